"""What differentiable biomechanics gains, one step of the method after the other."""
