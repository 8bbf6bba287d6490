package main

import "sightline/sound"

type soundFlashCmd struct {
	Delay         float64 `arg:"" help:"Seconds between the light and the sound, in one recording."`
	DelaySD       float64 `name:"delay-sd" default:"0.02" help:"Standard deviation of the delay; half a frame of the video at least."`
	Temperature   float64 `default:"15" help:"Air temperature, degrees Celsius."`
	TemperatureSD float64 `name:"temperature-sd" default:"3" help:"Its standard deviation."`
	Wind          float64 `default:"0" help:"Wind from the source towards the recorder, m/s."`
	WindSD        float64 `name:"wind-sd" default:"2" help:"Its standard deviation."`
}

func (c *soundFlashCmd) Run(e *env) error {
	switch {
	case !(c.Delay > 0 && c.Delay <= 120):
		return exit(2, ask("out_of_range", "delay", "a delay of %g s is not between 0 and 120", c.Delay))
	case c.Temperature < -100 || c.Temperature > 100 || c.Wind < -100 || c.Wind > 100:
		return exit(2, ask("out_of_range", "temperature", "the temperature and the wind have to lie between -100 and 100"))
	case c.DelaySD < 0 || c.TemperatureSD < 0 || c.WindSD < 0:
		return exit(2, ask("out_of_range", "delay-sd", "a standard deviation is negative"))
	}
	d, sd := sound.FlashToBang(c.Delay, c.DelaySD, c.Temperature, c.TemperatureSD, c.Wind, c.WindSD)
	return printOne(e)(map[string]any{"schema": "sightline/sound-flash/1", "delay_s": c.Delay, "distance_m": milli(d), "sd_m": milli(sd),
		"interval_m": []float64{milli(max(0, d-1.96*sd)), milli(d + 1.96*sd)}, "c_mps": milli(sound.Speed(c.Temperature))}, nil)
}
