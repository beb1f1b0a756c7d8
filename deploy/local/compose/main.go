// Loads compose files, the later ones over the first, as Docker Compose does, and prints what comes out as JSON.
//
// The library is that of the Compose Specification: it holds each file to the specification's schema, and refuses what
// a service names and nobody describes. Variables are those of the environment alone; every profile is taken.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithOsEnv, cli.WithProfiles([]string{"*"}))
	if err != nil {
		refuse(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		refuse(err)
	}
	text, err := project.MarshalJSON()
	if err != nil {
		refuse(err)
	}
	fmt.Println(string(text))
}

func refuse(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
