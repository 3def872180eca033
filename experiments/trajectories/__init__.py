"""When which trajectory and which solver win, measured on one objective."""
