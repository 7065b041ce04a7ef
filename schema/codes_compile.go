package schema

func compileCodes() []Code { return nil }
