package exact

import (
	"fmt"
	"math/big"
	"strings"
)

// String draws the process as a tree: every action with its probability and its reward, the documents where a search may
// bring several, and the return G of each trajectory.
func (p *Process) String() string {
	var out strings.Builder
	out.WriteString("question\n")
	p.Root.draw(&out, "", new(big.Rat))
	return out.String()
}

func (n *Node) draw(out *strings.Builder, margin string, so *big.Rat) {
	for i := range n.Actions {
		a := &n.Actions[i]
		fork, below := limb(margin, i == len(n.Actions)-1)
		g := new(big.Rat).Add(so, a.Reward)
		fmt.Fprintf(out, "%s%s: reward %s", fork, a.P.RatString(), a.Reward.RatString())
		if a.Ends() {
			fmt.Fprintf(out, "   G = %s", g.RatString())
		}
		out.WriteString("\n")
		for d, doc := range a.Documents {
			if len(a.Documents) == 1 {
				doc.Next.draw(out, below, g)
				continue
			}
			fork, below := limb(below, d == len(a.Documents)-1)
			fmt.Fprintf(out, "%sdocument %d, %s\n", fork, d+1, doc.P.RatString())
			doc.Next.draw(out, below, g)
		}
	}
}

func limb(margin string, last bool) (fork, below string) {
	if last {
		return margin + "└─ ", margin + "   "
	}
	return margin + "├─ ", margin + "│  "
}
