package schema

import (
	"slices"
	"strings"
	"testing"
)

func TestFit(t *testing.T) {
	pool := func(types ...string) map[string]Value {
		return map[string]Value{"expect.instanceTypes": JSON(types)}
	}
	tier := func(pairs ...any) map[string]Value {
		fields := map[string]Value{}
		for i := 0; i < len(pairs); i += 2 {
			fields[pairs[i].(string)] = JSON(pairs[i+1])
		}
		return fields
	}
	generous := pool("m5.2xlarge")
	generous["overhead.node.cores"], generous["overhead.node.memory"] = JSON(0), JSON("0GiB")
	strict := pool("m5.2xlarge")
	strict["overhead.execution.cores"], strict["overhead.execution.memory"] = JSON(1), JSON("1GiB")
	for name, c := range map[string]struct {
		tier, pool map[string]Value
		short      []string // paths that are short, "~" before soft ones
	}{
		"fits":                       {tier("cores", 7.5, "memory", "31GiB"), pool("m5.2xlarge"), nil},
		"all of a node":              {tier("cores", 8, "memory", "32GiB"), generous, nil},
		"more than default overhead": {tier("cores", 7.6, "memory", "31.6GiB"), pool("m5.2xlarge"), []string{"cores", "memory"}},
		"execution overhead":         {tier("cores", 7, "memory", "31GiB"), strict, []string{"cores", "memory"}},
		"one type is large enough":   {tier("cores", 12), pool("m5.large", "m5.4xlarge"), nil},
		"nearest is told":            {tier("cores", 100, "gpu.count", 1), pool("m5.24xlarge", "g5.xlarge"), []string{"cores"}},
		"type is not known":          {tier("cores", 1000), pool("m5.large", "x9.mega"), nil},
		"no type is expected":        {tier("cores", 1000), nil, nil},
		"slices of GPUs":             {tier("gpu.count", 7, "gpu.key", "nvidia.com/mig-1g.5gb"), pool("p4d.24xlarge"), nil},
		"too many GPUs":              {tier("gpu.count", 2, "gpu.key", "nvidia.com/gpu"), pool("g5.2xlarge"), []string{"gpu.count"}},
		"shared memory":              {tier("memory", "30GiB", "sharedMemoryLimit", "4GiB", "allowSharedMemoryToExceedDefault", true), pool("m5.2xlarge"), []string{"~memory"}},
		"default shared memory":      {tier("memory", "31GiB", "sharedMemoryLimit", "4GiB"), pool("m5.2xlarge"), nil},
	} {
		var got []string
		rooms, _ := Rooms(c.pool, InstanceTypes())
		for _, s := range Fit(c.tier, c.pool, rooms) {
			if s.InstanceType == "" || s.Want == "" || s.Have == "" {
				t.Errorf("%s: %+v says too little", name, s)
			}
			path := s.Path
			if s.Soft {
				path = "~" + path
			}
			got = append(got, path)
		}
		if !slices.Equal(got, c.short) {
			t.Errorf("%s: short of %v, want %v", name, got, c.short)
		}
		for path := range c.tier {
			if !slices.Contains(FitPaths(), path) {
				t.Errorf("%s: Fit is told of %s, which FitPaths leaves out", name, path)
			}
		}
	}
}

// TestInstanceTypes reads every line of the table.
func TestInstanceTypes(t *testing.T) {
	lines, of := 0, InstanceTypesSource+" of "+InstanceTypesDate
	for line := range strings.Lines(instanceTypes) {
		if !strings.HasPrefix(line, "#") {
			lines++
		}
	}
	if !strings.Contains(instanceTypes, of) {
		t.Errorf("the table is not of %s", of)
	}
	types := InstanceTypes()
	if len(types) != lines || lines < 1000 {
		t.Errorf("%d types of %d lines", len(types), lines)
	}
	for name, c := range types {
		if c.Cores < 1 || c.Memory < 1<<29 || c.GPUs < 0 {
			t.Errorf("%s is %+v", name, c)
		}
	}
	for name, want := range map[string]Capacity{"g5.2xlarge": {8, 32 << 30, 1, 0}, "p4d.24xlarge": {96, 1152 << 30, 8, 0}, "m5.large": {2, 8 << 30, 0, 0}} {
		if got := types[name]; got != want {
			t.Errorf("%s is %+v, want %+v", name, got, want)
		}
	}
}

func TestPolice(t *testing.T) {
	policy := map[string]string{"DC101": "off", "DC103": "off", "DC104": "error", "DC105": "warning"}
	got := Police([]Finding{{Code: "DC101", Severity: Error}, {Code: "DC103", Severity: Warning}, {Code: "DC104", Severity: Warning},
		{Code: "DC105", Severity: Error}, {Code: "DC110", Severity: Warning}}, policy)
	var levels []string
	for _, f := range got {
		levels = append(levels, f.Code+" "+string(f.Severity))
	}
	if want := []string{"DC101 error", "DC104 error", "DC105 warning", "DC110 warning"}; !slices.Equal(levels, want) {
		t.Errorf("got %v, want %v", levels, want)
	}
}
