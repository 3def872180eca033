"""Where the keypoint tables of diffbio come from."""
