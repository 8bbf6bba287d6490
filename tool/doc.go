// Package tool runs external programs on untrusted bytes.
//
// It exists because ffmpeg, ffprobe and exiftool read formats that we would
// be foolish to parse again ourselves, and because a file sent by a stranger
// must be expected to attack whatever opens it. Every program therefore runs
// in a [Box]: no network, a file system that shows the program, its libraries
// and the files of this one call, one writable folder, and limits on time,
// memory and output. On Linux the box is bubblewrap where it works, else
// Landlock, seccomp and resource limits in a re-executed copy of ourselves.
// Where neither works the call is refused, unless the user insisted with
// --unsafe-no-sandbox; [Probe] says so to the doctor verb and the interface.
//
// What was run is part of the evidence: [Program] carries the version and the
// digest of the executable, and [Result] has the arguments in a form that
// does not depend on where the case lies on disk, ready for a recipe.
//
// The next package on the road is intake, which needs no tool; identify is
// the first that does.
package tool
