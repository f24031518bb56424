/* SPDX-License-Identifier: MIT */
/*
 * Range trees with holes: see <mm/span.h>.
 *
 * G1 s->gap = s->start - s->guard - end of the span before (0 for none), not below 0;
 * G2 s->max_gap is the largest gap of the subtree at s.
 */
#include <lib/minmax.h>
#include <mm/span.h>

static inline uint64_t max_gap_of(const struct rb_node *n)
{
	return n ? container_of(n, const struct span, node)->max_gap : 0;
}

static bool update(struct rb_node *n)
{
	struct span *s = container_of(n, struct span, node);
	uint64_t m = max(s->gap, max(max_gap_of(n->left), max_gap_of(n->right)));
	bool changed = m != s->max_gap;

	s->max_gap = m;
	return changed;
}

static uint64_t gap_after(const struct span *s, uint64_t prev_end)
{
	return s->start - prev_end > s->guard ? s->start - prev_end - s->guard : 0;
}

static void gap_set(struct span *s, uint64_t prev_end)
{
	uint64_t gap = gap_after(s, prev_end);

	if (gap == s->gap)
		return;
	s->gap = gap;
	rb_propagate(&s->node, update);
}

struct span *span_find_next(const struct rb_tree *t, uint64_t addr)
{
	struct rb_node *n = t->root;
	struct span *best = NULL;

	while (n) {
		struct span *s = container_of(n, struct span, node);

		if (s->end > addr) {
			best = s;
			if (s->start <= addr)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

void span_insert(struct rb_tree *t, struct span *s)
{
	struct rb_node **link = &t->root, *parent = NULL;
	struct span *prev = NULL, *next = NULL;

	while (*link) {
		struct span *p = container_of(*link, struct span, node);

		parent = *link;
		if (s->start < p->start) {
			next = p;
			link = &parent->left;
		} else {
			prev = p;
			link = &parent->right;
		}
	}
	s->gap = gap_after(s, prev ? prev->end : 0);
	s->max_gap = 0;
	rb_link(&s->node, parent, link);
	rb_insert_augmented(t, &s->node, update);
	if (next)
		gap_set(next, s->end);
}

void span_erase(struct rb_tree *t, struct span *s)
{
	struct span *prev = span_prev(s), *next = span_next(s);

	rb_erase_augmented(t, &s->node, update);
	if (next)
		gap_set(next, prev ? prev->end : 0);
}

void span_resize(struct rb_tree *t, struct span *s, uint64_t start, uint64_t end)
{
	if (start != s->start) {
		struct span *prev = span_prev(s);

		s->start = start;
		gap_set(s, prev ? prev->end : 0);
	}
	if (end != s->end) {
		struct span *next = span_next(s);

		s->end = end;
		if (next)
			gap_set(next, end);
	}
}

/* Of the hole below @s (all above the last span for NULL), the part within [low, high). */
static bool hole_clip(const struct span *s, uint64_t *base, uint64_t *top, uint64_t low,
		      uint64_t high)
{
	if (s) {
		*top = s->start - s->guard;
		*base = *top - s->gap;
	}
	*base = max(*base, low);
	*top = min(*top, high);
	return *base < *top;
}

static bool fits(const struct span *s, uint64_t len, uint64_t low, uint64_t high)
{
	uint64_t base = 0, top = 0;	/* -Os does not see that hole_clip() sets them */

	return s->gap >= len && hole_clip(s, &base, &top, low, high) && top - base >= len;
}

/* The last span's end: where the open hole begins. */
static uint64_t last_end(const struct rb_tree *t)
{
	struct span *last = span_of(rb_last(t));

	return last ? last->end : 0;
}

/*
 * Rightmost span below which the hole fits.  Prunes by max_gap; spans whose hole lies wholly above
 * @high are passed on the way down, so the walk visits O(log n) nodes plus those with holes that
 * only clipping makes too small.
 */
static const struct span *find_high(const struct rb_node *n, uint64_t len, uint64_t low,
				    uint64_t high)
{
	while (n && max_gap_of(n) >= len) {
		const struct span *s = container_of(n, const struct span, node), *found;

		/* The hole of every span to the right begins at s->end or above. */
		if (n->right && s->end < high && max_gap_of(n->right) >= len) {
			/* Bounded by the tree's height, which is at most 2 log2(n). */
			found = find_high(n->right, len, low, high);
			if (found)
				return found;
		}
		if (fits(s, len, low, high))
			return s;
		if (s->start <= low)
			return NULL;
		n = n->left;
	}
	return NULL;
}

static const struct span *find_low(const struct rb_node *n, uint64_t len, uint64_t low,
				   uint64_t high)
{
	while (n && max_gap_of(n) >= len) {
		const struct span *s = container_of(n, const struct span, node), *found;

		if (n->left && s->start > low && max_gap_of(n->left) >= len) {
			found = find_low(n->left, len, low, high);
			if (found)
				return found;
		}
		if (fits(s, len, low, high))
			return s;
		if (s->end >= high)
			return NULL;
		n = n->right;
	}
	return NULL;
}

uint64_t span_place_high(const struct rb_tree *t, uint64_t len, uint64_t low, uint64_t high)
{
	uint64_t base = last_end(t), top = high;
	const struct span *s;

	if (!len || high < low || high - low < len)
		return 0;
	if (hole_clip(NULL, &base, &top, low, high) && top - base >= len)
		return top - len;
	s = find_high(t->root, len, low, high);
	if (!s)
		return 0;
	(void)hole_clip(s, &base, &top, low, high);
	return top - len;
}

uint64_t span_place_low(const struct rb_tree *t, uint64_t len, uint64_t low, uint64_t high)
{
	uint64_t base = last_end(t), top = high;
	const struct span *s;

	if (!len || high < low || high - low < len)
		return 0;
	s = find_low(t->root, len, low, high);
	if (s) {
		(void)hole_clip(s, &base, &top, low, high);
		return base;
	}
	return hole_clip(NULL, &base, &top, low, high) && top - base >= len ? base : 0;
}
