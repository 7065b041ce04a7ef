package schema

func applyCodes() []Code { return nil }
