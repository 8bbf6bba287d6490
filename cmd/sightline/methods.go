package main

import (
	"encoding/json"
	"fmt"

	"sightline/order"
	"sightline/publish"
	"sightline/sight"
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
	return map[string]publish.Method{
		"camera.solve": func(b []byte) ([]byte, error) {
			p, err := sight.ParseProblem(b)
			if err != nil {
				return nil, err
			}
			a := sight.Solve(p, b)
			a.Software.Version = version
			return json.Marshal(a)
		},
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
		"time.solve": question(func(b []byte) (any, error) {
			n, err := order.Decode(b)
			if err != nil {
				return nil, err
			}
			return order.Solve(n, order.Options{Conflicts: "all"})
		}),
	}
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

// webMethods are the methods in the form that the desk takes them.
func webMethods() map[string]func([]byte) ([]byte, error) {
	out := map[string]func([]byte) ([]byte, error){}
	for name, m := range methods() {
		out[name] = m
	}
	return out
}
