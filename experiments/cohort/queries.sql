-- Questions to angles.parquet, to be run where it lies: `duckdb < queries.sql`, or `duckdb.sql(...)`.
-- Columns: participant, session, trial, time_s, coordinate, value, sd, unit, population,
-- diffbio_version. Angles are in degrees, lengths in metres, sd is null where it is not known.

-- Range of motion of the knees, by trial.
select participant, session, trial, coordinate, max(value) - min(value) as range_deg
from 'angles.parquet'
where coordinate in ('knee_angle_r', 'knee_angle_l')
group by all
order by all;

-- How sure every angle is: the usual standard deviation, the least sure first.
select coordinate, any_value(unit) as unit, sqrt(avg(sd ** 2)) as rms_sd, count(sd) as known
from 'angles.parquet'
group by coordinate
order by unit, rms_sd desc;

-- Differences between the sides, by participant: mean and standard error over trials.
with sides as (
    select participant, session, trial, regexp_replace(coordinate, '_[rl]$', '') as angle,
        avg(value) filter (coordinate like '%\_r' escape '\') as r,
        avg(value) filter (coordinate like '%\_l' escape '\') as l
    from 'angles.parquet'
    where coordinate similar to '(hip_flexion|knee_angle|ankle_angle)_[rl]'
    group by all
)
select participant, angle, avg(r - l) as difference_deg, stddev(r - l) / sqrt(count(*)) as se_deg
from sides
group by all
order by all;

-- A wide table for other programs: one row a time, one column an angle.
pivot (
    from 'angles.parquet' where coordinate in ('hip_flexion_r', 'knee_angle_r', 'ankle_angle_r')
)
on coordinate using first(value) group by participant, session, trial, time_s
order by participant, session, trial, time_s;

-- Which results come from which population and version.
select population, diffbio_version, count(distinct (participant, session, trial)) as trials
from 'angles.parquet'
group by all;
