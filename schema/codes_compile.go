package schema

func compileCodes() []Code {
	return []Code{
		{"DC001", "the files do not fit the schema", "CUE refuses a value, a field or a reference.",
			"Read the message and the places it names."},
		{"DC110", "not resolved", "A tag, a filter or a parameter floats upstream; plans follow from resolved.cue alone, so what is not in it is not known.",
			"Run `domctl update` and commit resolved.cue."},
		{"DC111", "resolved for something else", "The files name another image, filter or parameter than the one resolved.cue was looked up for.",
			"Run `domctl update` and commit resolved.cue."},
	}
}
