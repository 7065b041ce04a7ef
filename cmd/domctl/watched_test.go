package main

import (
	"net/http"
	_ "net/http/pprof" // registers itself at the default server, which tests alone start
	"os"
)

// watched is main, of which profiles can be read at the address DOMCTL_PPROF.
func watched() {
	go func() { _ = http.ListenAndServe(os.Getenv("DOMCTL_PPROF"), nil) }()
	main()
}
