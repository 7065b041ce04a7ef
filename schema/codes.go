package schema

import "slices"

// Code documents one finding for `domctl explain` and the generated reference.
// Codes are stable: one is never used again for something else. DC0xx are
// about reading the files, DC1xx about what they say, DC2xx about the plan,
// DC3xx about applying, DC4xx about the way back, DC5xx about commits and the state store,
// DC6xx about the outside, DC7xx about what environments are built from, DC8xx about
// nodes.
type Code struct {
	Code  string
	Title string
	Why   string // what it means and why domctl minds
	Do    string // what to do about it
}

// Codes are all finding codes, in order.
func Codes() []Code {
	all := slices.Concat(compileCodes(), planCodes(), imageCodes(), bakeCodes(), applyCodes(), outsideCodes(), gitopsCodes(), pullCodes(), approvalCodes(), lintCodes(), revisionCodes(), lifeCodes(), kindCodes(), probeCodes(), poolCodes(), capacityCodes(), rollCodes(), karpenterCodes(), executorCodes())
	slices.SortFunc(all, func(a, b Code) int {
		if a.Code < b.Code {
			return -1
		}
		return 1
	})
	return all
}
