package main

import "errors"

type warmstartCmd struct{}

func (c *warmstartCmd) Run() error { return errors.New("not there yet") }
