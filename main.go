// Command ensaio is a rehearsal of Open Finance Brasil: a whole ecosystem, and the judge that examines it.
package main

import (
	"os"

	"github.com/ensaio/ensaio/sim/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], cli.TheWorld())) }
