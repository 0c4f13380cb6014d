// Package load drives an open stream of requests at a target and keeps what was measured.
//
// It promises that a slow target never slows the arrivals, that latency counts from the moment a request
// was due, and that a figure the generator itself has spoilt is never given as the target's. It knows the
// wire and the facts of the standard; of the platform it knows nothing.
package load
