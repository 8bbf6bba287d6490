// Package sound turns moments at which a sound was heard into the place and
// time it came from. It exists because a position from arrival times is only
// worth publishing with its error and with the cases in which there is none.
// It takes numbers, does no input or output and never names a weapon. Package
// order takes the resulting intervals further.
package sound
