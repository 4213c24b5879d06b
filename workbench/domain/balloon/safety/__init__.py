"""Protection against leaving a guest with too little memory: floor, ramp, guard and forecast."""
