package config

import (
	"log/slog"
	"net/url"
)

// Log is how the controller writes its log, on standard error.
type Log struct {
	Format string `yaml:"format"` // text, as it is without, or json
	Level  string `yaml:"level"`  // debug, info, as it is without, warn or error
}

// Level is the least that is written.
func (l Log) level() (level slog.Level, known bool) {
	if l.Level == "" {
		return slog.LevelInfo, true
	}
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, known = levels[l.Level]
	return level, known
}

// Options are for a handler of slog's.
func (l Log) Options() *slog.HandlerOptions {
	level, _ := l.level()
	return &slog.HandlerOptions{Level: level}
}

// Traces says who collects traces; without it the standard variables of OpenTelemetry
// do, or nobody.
type Traces struct {
	Endpoint string `yaml:"endpoint"` // of OTLP over HTTP: https://HOST:4318
}

func (k checking) logs() {
	k.oneOf("log.format", k.c.Log.Format, []string{"text", "json"})
	k.oneOf("log.level", k.c.Log.Level, []string{"debug", "info", "warn", "error"})
	if e := k.c.Traces.Endpoint; e != "" {
		u, err := url.Parse(e)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Path != "" && u.Path != "/" {
			k.wrong(k.where("traces.endpoint"), "what must be told to it stands in OTEL_EXPORTER_OTLP_HEADERS", "traces.endpoint is no address; write it as https://HOST:4318")
		}
	}
}
