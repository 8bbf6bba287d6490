// Command sightline carries the evidence of one case along the whole road,
// from a folder of files to a published edition that anyone can check. Each
// verb is one struct in one file; this file lists them and is the only place
// that turns an error into an exit status.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the whole command line. Kong reads the struct; a verb's Run method
// does the work. Keep it in the order of the road.
type cli struct {
	Version kong.VersionFlag `help:"Print the version and leave."`

	New newCmd `cmd:"" help:"Make a folder for a new case."`
	Add addCmd `cmd:"" help:"Take files, tables of records, documents or a scene into a case."`

	Collect collectCmd `cmd:"" help:"Bring pages of the web into a case, kept byte for byte with what a browser saw."`
	Watch   watchCmd   `cmd:"" help:"Take what appears in a folder into a case, as it comes."`

	Work workCmd `cmd:"" help:"Do the waiting jobs: metadata, thumbnails, working copies, waveforms."`

	Identify identifyCmd `cmd:"" help:"Say what files say about themselves: type, times, place, device, hashes, doubts."`
	Similar  similarCmd  `cmd:"" help:"Group files that show or sound the same, and say what each copy lost."`
	Read     readCmd     `cmd:"" help:"Show what an export holds, row by row, before anything is written."`

	Serve   serveCmd   `cmd:"" help:"Serve the desk of a case, or a published edition, on this machine."`
	Jobs    jobsCmd    `cmd:"" help:"Show what is running, waiting and failed, and why; put failed work back."`
	Publish publishCmd `cmd:"" help:"Write the next edition, or say what stands in its way."`
	Check   checkCmd   `cmd:"" help:"Read everything a case or an edition holds and report each fault."`
	Copy    copyCmd    `cmd:"" help:"Make a verified copy of a case, or bring an older copy up to date."`
	Move    moveCmd    `cmd:"" help:"Take a case from a folder to a team's database and bucket, or back."`
	Stamp   stampCmd   `cmd:"" help:"Ask time-stamping authorities to sign the head of the log; only a digest is sent."`
	Erase   eraseCmd   `cmd:"" help:"Take an item out of a case for good, by law or at a source's wish."`
	Demo    demoCmd    `cmd:"" help:"Build the demonstration case and serve it."`

	Export exportCmd `cmd:"" help:"Write the case in the formats of other programs."`
	Doctor doctorCmd `cmd:"" help:"Say which external programs are here and what is lost without the others."`
	Worker workerCmd `cmd:"" hidden:""`

	Intake  intakeCmd  `cmd:"" help:"Serve a call for evidence: the door for people who saw something."`
	Tips    tipsCmd    `cmd:"" help:"The team's inbox: fetch, open, answer, take into the case."`
	Key     keyCmd     `cmd:"" help:"Keys that tips are sealed to: make, share, rotate, revoke, back up."`
	Stretch stretchCmd `cmd:"" name:"stretch-code" hidden:""`

	Scene sceneCmd `cmd:"" help:"Build and describe the model of the place."`
	Sun   sunCmd   `cmd:"" help:"Where the sun stands, and the times that shadows show."`
	Time  timeCmd  `cmd:"" help:"Derive intervals from constraints, and read written times."`
	Sound soundCmd `cmd:"" help:"Sudden sounds, recordings against each other, and where a sound came from."`

	Review   reviewCmd   `cmd:"" help:"What two people have verified, what contradicts what, and what each claim stands on."`
	Coverage coverageCmd `cmd:"" help:"What the media certainly cover, and the gaps in time, space and viewpoint."`
	People   peopleCmd   `cmd:"" help:"Accounts of a team's desk: invite, change roles, close, audit."`

	Camera cameraCmd `cmd:"" help:"Where a photograph was taken from."`

	Exercise exerciseCmd `cmd:"" help:"Invent an incident whose truth is known, to train and to measure."`
}

// env is what a verb may touch of the outside: nothing global, so that tests
// can run verbs in process.
type env struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// exitError carries an exit status with its message: 1 a fault was found,
// 2 bad input, 3 refused (see docs/formats).
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// exit wraps an error with the status the process should end with.
func exit(code int, err error) error { return &exitError{code, err} }

// version is set by the linker: -X main.version=...
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	args := os.Args[1:]
	if len(args) == 0 { // a double click: show the cases of this person
		args = []string{"serve", "--open"}
	}
	os.Exit(run(&env{ctx, os.Stdin, os.Stdout, os.Stderr}, args))
}

// run executes one command line and returns the exit status.
func run(e *env, args []string) (status int) {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("sightline"),
		kong.Description("Reconstruct an incident from its evidence, and let anyone check it."),
		kong.Vars{"version": version},
		kong.Writers(e.stdout, e.stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
		kong.Bind(e),
		kong.Configuration(kong.JSON, settingsFiles()...),
	)
	if err != nil {
		fmt.Fprintln(e.stderr, "sightline:", err)
		return 2
	}
	k, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(e.stderr, "sightline: %v. Run \"sightline --help\" for the verbs.\n", err)
		return 2
	}
	err = k.Run(e)
	var ee *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ee):
		if ee.err != nil {
			fmt.Fprintln(e.stderr, ee.err)
		}
		return ee.code
	default:
		fmt.Fprintln(e.stderr, "sightline:", err)
		return 1
	}
}
