package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

func (a *app) sandboxRunVerb() *cobra.Command {
	r := sandbox.Run{}
	var lasts, memory string
	var count int
	var cores float64
	cmd := &cobra.Command{
		Use: "run [DIR]", Short: "Put runs on nodes of the sandbox, which end by themselves", Args: cobra.MaximumNArgs(1),
		Long: `Starts runs as Domino does for its users: each is a pod on a node of a pool, the one
with most room, and an execution that Domino's API tells of. With --cluster a run is a
Spark, Ray or Dask cluster, a pod for its master and for each worker. It ends when
the sandbox's clock says so, or is killed with its machine. domctl sandbox runs tells
what became of each.`,
		Example: "  domctl sandbox run prod --for 40m\n  domctl sandbox run prod --for 2h --count 3 --pool default-gpu --user ada\n  domctl sandbox run prod --for 1h --cluster spark --workers 2\n  domctl sandbox run prod --for 1h --on i-0123456789abcdef0",
		RunE: func(cmd *cobra.Command, args []string) error {
			world, err := openSandbox(a.dir(args))
			if err != nil {
				return err
			}
			d, err := schema.ParseDuration(lasts)
			if err != nil {
				return fmt.Errorf("--for: %w", err)
			}
			if r.Memory, err = schema.ParseBytes(memory); err != nil {
				return fmt.Errorf("--memory: %w", err)
			}
			if cores < 0 || r.Workers < 0 || count < 1 {
				return fmt.Errorf("--cores %v, --workers %d and --count %d: none is below zero, and --count not below one", cores, r.Workers, count)
			}
			r.MilliCPU = int64(cores * 1000)
			for range count {
				begun, err := world.StartRun(cmd.Context(), r, d)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "Run %s of %s is on %s until %s.\n", begun.ID, begun.User, strings.Join(begun.Nodes, ", "), begun.Ends.Format(time.RFC3339))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&lasts, "for", "1h", "how `long` it runs, by the sandbox's clock: 40m, 2h")
	cmd.Flags().StringVar(&r.Pool, "pool", "default", "the `label` of the pool's nodes")
	cmd.Flags().StringVar(&r.On, "on", "", "this `node` or EC2 instance, instead of a pool's")
	cmd.Flags().StringVar(&r.Tier, "tier", "small", "the hardware `tier` that it is said to be of")
	cmd.Flags().StringVar(&r.User, "user", "ada", "`whose` it is")
	cmd.Flags().StringVar(&r.Cluster, "cluster", "", "a `kind` of cluster: spark, ray or dask")
	cmd.Flags().IntVar(&r.Workers, "workers", 2, "how many nodes the cluster has beside its master")
	cmd.Flags().Float64Var(&cores, "cores", 1, "what each pod asks for")
	cmd.Flags().StringVar(&memory, "memory", "4GiB", "what each pod asks for, as `size`")
	cmd.Flags().IntVar(&count, "count", 1, "how many runs")
	cmd.MarkFlagsMutuallyExclusive("on", "pool")
	return cmd
}

func (a *app) sandboxRunsVerb() *cobra.Command {
	return &cobra.Command{
		Use: "runs [DIR]", Short: "Say what became of the runs that were put on nodes of the sandbox", Args: cobra.MaximumNArgs(1),
		Long: `Lists the runs that domctl sandbox run started, also those that have ended: whether
each ended by itself, or was killed with a machine that it was on. A live deployment
has domctl runs, which tells of those that are live.`,
		Example: "  domctl sandbox runs prod",
		RunE: func(_ *cobra.Command, args []string) error {
			world, err := openSandbox(a.dir(args))
			if err != nil {
				return err
			}
			all, err := world.Runs()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "RUN\tUSER\tTIER\tMACHINES\tSTARTED\tFATE")
			for _, r := range all {
				fmt.Fprintln(w, strings.Join([]string{r.ID, r.User, r.Tier, strings.Join(r.Nodes, ", "), r.Started.UTC().Format(time.RFC3339), fate(r, world.Now())}, "\t"))
			}
			return w.Flush()
		},
	}
}

// fate is what became of a run.
func fate(r sandbox.Run, now time.Time) string {
	switch ends := r.Ends.UTC().Format(time.RFC3339); {
	case !r.Killed.IsZero():
		return "killed with its machine " + r.Killed.UTC().Format(time.RFC3339)
	case now.Before(r.Ends):
		return "live, ends " + ends
	default:
		return "ended by itself " + ends
	}
}
