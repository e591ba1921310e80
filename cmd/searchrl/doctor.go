package main

import (
	"os"

	"searchrl/accel"
)

// doctorCmd shows what the machine offers.
type doctorCmd struct{}

func (c *doctorCmd) Help() string {
	return "Every backend that is found is opened once. For each one that is missing it gives the command that installs it; nothing is downloaded."
}

// Run examines the machine and prints the report.
func (c *doctorCmd) Run(con *console) error {
	report := accel.ExamineWith(probing())
	if _, err := report.WriteTo(con.text()); err != nil {
		return err
	}
	return con.document(report)
}

// probing returns options by which plugins are tried in another process first, so that a broken one cannot take this one
// down.
func probing() accel.Options {
	self, err := os.Executable()
	if err != nil {
		return accel.Options{}
	}
	return accel.Options{Probe: []string{self, "probe"}}
}
