package main

import (
	"encoding/json"
	"fmt"

	"sightline/order"
	"sightline/publish"
)

// methods are the sciences as functions from a problem to an answer, each in
// the JSON contract of its verb. The desk asks them while a person works, a
// finding keeps the problem and the answer, and check --recompute asks again.
func methods() map[string]publish.Method {
	question := func(read func([]byte) (any, error)) publish.Method {
		return func(b []byte) ([]byte, error) {
			a, err := read(b)
			if err != nil {
				return nil, err
			}
			return json.Marshal(a)
		}
	}
	out := map[string]publish.Method{
		"sun.at": question(func(b []byte) (any, error) {
			var q sunQuestion
			if err := readJSON(b, &q); err != nil {
				return nil, err
			}
			return said(q.answer())
		}),
		"sun.shadow": question(func(b []byte) (any, error) {
			var q shadowQuestion
			if err := readJSON(b, &q); err != nil {
				return nil, err
			}
			return said(q.answer())
		}),
		"sound.locate": question(func(b []byte) (any, error) {
			var q soundQuestion
			if err := readJSON(b, &q); err != nil {
				return nil, err
			}
			return said(q.answer())
		}),
		"sound.flash": question(flashAnswer),
		"sound.solve": question(solveAnswer),
		"time.solve": question(func(b []byte) (any, error) {
			n, err := order.Decode(b)
			if err != nil {
				return nil, err
			}
			return order.Solve(n, order.Options{Conflicts: "all"})
		}),
	}
	for name, m := range cameraMethods(nil) {
		out[name] = m
	}
	return out
}

// said turns the error of a question into a sentence: its Error method writes
// the JSON that the command line prints.
func said[T any](a T, bad *askError) (any, error) {
	if bad == nil {
		return a, nil
	}
	if bad.Where != "" {
		return nil, fmt.Errorf("%s: %s", bad.Where, bad.Message)
	}
	return nil, fmt.Errorf("%s", bad.Message)
}

// webMethods are the methods in the form that the desk takes them: there a
// camera's question may name a case, whose scene then counts.
func webMethods(scenes caseScenes) map[string]func([]byte) ([]byte, error) {
	out := map[string]func([]byte) ([]byte, error){}
	for name, m := range methods() {
		out[name] = m
	}
	for name, m := range cameraMethods(scenes) {
		out[name] = m
	}
	return out
}
