package kube

import (
	"fmt"
	"maps"
	"math"

	"k8s.io/apimachinery/pkg/api/resource"

	"domctl.dev/internal/port"
)

// amounts are of resources by name, as port.Resources has them: cpu in thousandths.
type amounts map[string]int64

// amountsOf reads quantities, rounding up; less than nothing, which no API server takes, is
// nothing.
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
func amountsOf(quantities map[string]string) (amounts, error) {
	all := amounts{}
	for name, text := range quantities {
		q, err := resource.ParseQuantity(text)
		if err != nil {
			return nil, fmt.Errorf("%.60q of %.60q is no quantity", text, name)
		}
		if all[name] = max(0, q.Value()); name == "cpu" {
			all[name] = max(0, q.MilliValue())
		}
	}
	return all, nil
}

// plus ends at the largest number: what asks for more than there can be fits nowhere.
func (a amounts) plus(b amounts) amounts {
	sum := maps.Clone(a)
	for name, n := range b {
		sum[name] += min(n, math.MaxInt64-sum[name])
	}
	return sum
}

func (a amounts) most(b amounts) amounts {
	larger := maps.Clone(a)
	for name, n := range b {
		larger[name] = max(n, larger[name])
	}
	return larger
}

func (a amounts) resources() port.Resources {
	r := port.Resources{MilliCPU: a["cpu"], Memory: a["memory"], Pods: a["pods"]}
	for name, n := range a {
		if name == "cpu" || name == "memory" || name == "pods" {
			continue
		}
		if r.Other == nil {
			r.Other = map[string]int64{}
		}
		r.Other[name] = n
	}
	return r
}
