// Package mix has the rules by which mixed images get their labels.
package mix

// Remix is the share of the first label of a mixed image by Chou et al., "Remix: Rebalanced Mixup", 2020, equation 6. l is the first
// image's share of the pixels and n1, n2 are the training images of the two labels' classes: the label of a class that is kappa times
// rarer gets the whole image, as long as its share is not below 1 - tau.
func Remix(n1, n2 int, l, kappa, tau float64) float64 {
	ratio := float64(n1) / float64(n2)
	switch {
	case ratio >= kappa && l < tau:
		return 0
	case ratio <= 1/kappa && 1-l < tau:
		return 1
	}
	return l
}
