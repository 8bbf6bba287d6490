package main

import "context"

func load(context.Context, []string) error { return nil }
func ask(context.Context, []string) error  { return nil }
