// Package scenarios holds what is played: plans and scripts as data, embedded, so that one binary carries
// them all. It reads and judges nothing; whoever plays a scenario knows its form.
package scenarios

import _ "embed"

// Quarter is the plan of outages that `ensaio load quarter` plays when it is given no other.
//
//go:embed quarter.yaml
var Quarter []byte
