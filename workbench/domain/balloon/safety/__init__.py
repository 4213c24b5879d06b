"""What keeps a guest from being left with too little memory: floor, ramp, guard and forecast."""
