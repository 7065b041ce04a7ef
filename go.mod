module domctl.dev

go 1.26
