// Package fleet lets several processes share one load run over NATS, on one machine or on many.
//
// It promises that the workers together keep exactly the schedule of one, that their recordings are merged
// into one, and that a worker who is lost is said so and never made up for. It refuses to let load go on
// unattended: a worker that no longer hears its coordinator stops, and sends nothing more. What the load is
// it does not know: the task is a parcel that the worker's own code opens.
package fleet

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ensaio/ensaio/load/record"
)

// The errors of a run that ended without all of its workers.
var (
	ErrMissing = errors.New("not all workers came")
	ErrGone    = errors.New("a worker was lost")
	ErrWorker  = errors.New("a worker failed")
	// ErrBuild is what a worker returns whose nth arrival is not the coordinator's, or whose recording would not fit.
	ErrBuild = errors.New("coordinator and worker are of different versions")
	// ErrUnattended is what a worker returns that no longer hears its coordinator.
	ErrUnattended = errors.New("the coordinator was lost")
)

// The patience of both sides, where their options say nothing else.
const (
	silence    = 6 * time.Second  // after which the other is lost
	gather     = 30 * time.Second // for all workers to come
	prepare    = 3 * time.Minute  // for all workers to be ready
	collect    = 2 * time.Minute  // for a recording to arrive after the worker's end
	lead       = time.Second      // from the word to the start of the schedule
	answer     = 2 * time.Second  // for an acknowledgement
	farewell   = 2 * time.Second  // for the workers to know that all has arrived
	chunk      = 256 << 10        // bytes of a recording in one message: a cluster takes a megabyte
	chunkLimit = 2048             // most messages of one recording
)

// subject names the wire of one run; hello is the one that is known beforehand.
type subject string

const hello subject = "ensaio.load.hello"

func of(run string) subject { return subject("ensaio.load." + run) }

func (s subject) start() string  { return string(s) + ".start" }  // coordinator → all
func (s subject) stop() string   { return string(s) + ".stop" }   // coordinator → all
func (s subject) beat() string   { return string(s) + ".beat" }   // coordinator → all
func (s subject) news() string   { return string(s) + ".news" }   // worker → coordinator
func (s subject) result() string { return string(s) + ".result" } // worker → coordinator, acknowledged

// greeting is what a worker says first; assignment is the answer.
type greeting struct {
	Worker string `json:"worker"` // unique, so that a repeated greeting gets the same share
	Build  string `json:"build"`
}

// Assignment is what a worker is given to do.
type Assignment struct {
	Run     string        `json:"run"`
	Share   int           `json:"share"` // from 0
	Shares  int           `json:"shares"`
	Beat    time.Duration `json:"beat"`    // how often both sides say that they are there
	Silence time.Duration `json:"silence"` // after which the other is lost
	Task    []byte        `json:"task"`    // the coordinator's parcel
	// Refused says why the worker gets no share; the rest is then empty.
	Refused string `json:"refused,omitempty"`
}

// starting is the word to begin: In from now, which the recording calls At.
type starting struct {
	In time.Duration `json:"in"`
	At time.Time     `json:"at"`
}

// news is a sign of life of a worker.
type news struct {
	Share    int              `json:"share"`
	Ready    bool             `json:"ready"`
	Error    string           `json:"error,omitempty"` // it cannot go on
	Done     bool             `json:"done,omitempty"`  // it knows that its recording has arrived
	Snapshot *record.Snapshot `json:"snapshot,omitempty"`
}

// stopping tells the workers to end early, and why.
type stopping struct {
	Why string `json:"why"`
}

// part is one piece of an encoded recording.
type part struct {
	Share int    `json:"share"`
	Index int    `json:"index"`
	Of    int    `json:"of"`
	Why   string `json:"why,omitempty"`  // why the worker ended early; "" means it did not, or was told to
	Lost  bool   `json:"lost,omitempty"` // a threshold can no longer be kept: Why names it
	Bytes []byte `json:"bytes"`
}

func connect(url, name string) (*nats.Conn, error) {
	conn, err := nats.Connect(url, nats.Name(name), nats.Timeout(5*time.Second), nats.MaxReconnects(3), nats.ReconnectWait(time.Second))
	if err != nil {
		// The address may hold a token: it stays out of the message.
		return nil, fmt.Errorf("load fleet: cannot reach the NATS server: %w", err)
	}
	return conn, nil
}
