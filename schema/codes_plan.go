package schema

func planCodes() []Code { return nil }
