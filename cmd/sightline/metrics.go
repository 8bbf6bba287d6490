package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sightline"
	"sightline/digest"
)

// watched are the flags of a program that somebody watches over.
type watched struct {
	Metrics string `env:"SIGHTLINE_METRICS" help:"Address for /metrics (Prometheus), /healthz and /readyz, e.g. 127.0.0.1:9765. No name, title or place of a case is shown there." placeholder:"HOST:PORT"`
}

// watch serves the metrics until ctx ends.
func (c *watched) watch(e *env, folders func() []*folder) error {
	if c.Metrics == "" {
		return nil
	}
	l, err := net.Listen("tcp", c.Metrics)
	if err != nil {
		return exit(2, fmt.Errorf("the metrics cannot listen on %s: %w; choose another with --metrics", c.Metrics, err))
	}
	srv := &http.Server{Handler: watchHandler(folders), ReadHeaderTimeout: 10 * time.Second}
	go srv.Serve(l) //nolint:errcheck // it ends with ctx
	go func() {
		<-e.ctx.Done()
		srv.Close()
	}()
	fmt.Fprintf(e.stderr, "metrics   http://%s/metrics\n", l.Addr())
	return nil
}

func watchHandler(folders func() []*folder) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &caseMetrics{folders})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		for _, f := range folders() {
			if err := ready(ctx, f); err != nil {
				// The reason goes to the log of whoever runs the program, not
				// to whoever asks.
				http.Error(w, "the database or the bytes of a case cannot be reached", http.StatusServiceUnavailable)
				return
			}
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}

// ready asks the store and the blobs of a case one small question each.
func ready(ctx context.Context, f *folder) error {
	if err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) error { _, err := r.Origin(); return err }); err != nil {
		return err
	}
	if b, ok := f.Blobs.(interface{ Ping(context.Context) error }); ok {
		return b.Ping(ctx)
	}
	_, err := f.Blobs.Stat(ctx, digest.Of(nil))
	if errors.Is(err, sightline.ErrNotFound) {
		return nil
	}
	return err
}

// caseMetrics asks the cases when somebody asks for the metrics.
type caseMetrics struct{ folders func() []*folder }

var (
	metricCases = prometheus.NewDesc("sightline_cases", "Open cases.", nil, nil)
	metricUp    = prometheus.NewDesc("sightline_cases_readable", "Open cases whose database answers.", nil, nil)
	metricLog   = prometheus.NewDesc("sightline_log_entries", "Entries in the logs of all open cases.", nil, nil)
	metricJobs  = prometheus.NewDesc("sightline_jobs", "Jobs of all open cases.", []string{"state", "lane", "kind"}, nil)
)

func (m *caseMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{metricCases, metricUp, metricLog, metricJobs} {
		ch <- d
	}
}

func (m *caseMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	entries, up := int64(0), 0
	jobs := map[[3]string]int{}
	list := m.folders()
	for _, f := range list {
		err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
			h, err := r.Head()
			if err != nil {
				return err
			}
			t, ok := r.(sightline.JobCounter)
			if !ok {
				return nil
			}
			counts, err := t.JobCounts()
			if err != nil {
				return err
			}
			entries += h.Size
			for _, c := range counts {
				jobs[[3]string{c.State, c.Lane, c.Kind}] += c.Count
			}
			return nil
		})
		if err == nil {
			up++
		}
	}
	ch <- prometheus.MustNewConstMetric(metricCases, prometheus.GaugeValue, float64(len(list)))
	ch <- prometheus.MustNewConstMetric(metricUp, prometheus.GaugeValue, float64(up))
	ch <- prometheus.MustNewConstMetric(metricLog, prometheus.GaugeValue, float64(entries))
	for k, n := range jobs {
		ch <- prometheus.MustNewConstMetric(metricJobs, prometheus.GaugeValue, float64(n), k[:]...)
	}
}
