package main

import "context"

func ask(context.Context, []string) error { return nil }
