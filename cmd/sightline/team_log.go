package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"sightline"
	"sightline/flow"
)

// logged are the flags of a program whose log somebody collects.
type logged struct {
	Log string `name:"log" env:"SIGHTLINE_LOG" enum:"plain,json" default:"plain" help:"plain: sentences on the standard error; json: one line of JSON for each request and job, without names, addresses, file names or anything else of a person or a case."`
}

// logger writes what happens as lines of JSON; one that writes nothing where
// nobody asked for it.
func (c *logged) logger(e *env) *slog.Logger {
	if c.Log != "json" {
		return slog.New(slog.DiscardHandler)
	}
	host, _ := os.Hostname()
	return slog.New(slog.NewJSONHandler(e.stderr, nil)).With("program", "sightline", "version", version, "host", host, "pid", os.Getpid())
}

// logJob writes what became of a job: its kind, lane and number, never what it
// read or why it failed, which may name a file or a person. "sightline jobs"
// says why, to those who may see the case.
func logJob(log *slog.Logger, ev flow.Event) {
	if ev.State == "running" {
		return
	}
	level := slog.LevelInfo
	if ev.State == "failed" {
		level = slog.LevelWarn
	}
	args := []any{"job", short(ev.Job.ID), "kind", ev.Job.Kind, "lane", ev.Job.Lane, "state", ev.State, "try", ev.Job.Tries}
	if t, err := time.Parse(time.RFC3339, ev.Job.Started); err == nil {
		args = append(args, "ms", max(time.Since(t), 0).Milliseconds())
	}
	log.Log(context.Background(), level, "job", args...)
}

func logLeft(log *slog.Logger, j sightline.Job, why string) {
	log.Warn("work left to another worker", "kind", j.Kind, "job_version", j.Version, "why", why)
}

func short(id string) string { return id[:min(12, len(id))] }

// logRequests writes one line for each request: method, the kind of path, status,
// bytes and time. The path itself names cases and items, so only its fixed part
// is written; who asked is in no line.
func logRequests(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		c := &counted{ResponseWriter: w}
		next.ServeHTTP(c, r)
		log.Info("request", "method", method(r.Method), "route", route(r.URL.Path), "status", c.code(), "bytes", c.bytes, "ms", time.Since(began).Milliseconds())
	})
}

func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// route keeps what every case has in common: /api/cases/{case}/edits.
func route(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	known := map[string]bool{}
	for _, w := range []string{"api", "cases", "me", "people", "session", "document", "revs", "events", "edits", "undo", "history", "custody", "derivatives", "scene",
		"files", "jobs", "retry", "search", "publish", "preflight", "check", "export", "original", "open", "assets", "time", "reviews", "methods", "reports", "collect"} {
		known[w] = true
	}
	for i, p := range parts {
		if p != "" && !known[p] {
			parts[i] = "-"
		}
	}
	return "/" + strings.Join(parts[:min(len(parts), 6)], "/")
}

// counted sees the status and the bytes of an answer. Unwrap lets the handlers
// reach what the connection can do.
type counted struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (c *counted) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}

func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *counted) code() int {
	if c.status == 0 {
		return http.StatusOK
	}
	return c.status
}
