package sound

import "math"

// FlashToBang is the distance in metres of something that was seen and heard:
// the seconds between light and sound times the speed of sound. Light takes
// three microseconds for a kilometre and is left out. SD carries the delay, the
// temperature and the wind along the path (each a standard deviation; the wind
// in m/s, positive from the source towards the recorder).
func FlashToBang(delay, delaySD, temperature, temperatureSD, wind, windSD float64) (distance, sd float64) {
	v := Speed(temperature) + wind
	slope := 331.3 * 331.3 / (2 * 273.15 * Speed(temperature)) // m/s for a degree
	distance = delay * v
	sd = math.Sqrt(v*v*delaySD*delaySD + delay*delay*(slope*slope*temperatureSD*temperatureSD+windSD*windSD))
	return distance, sd
}
