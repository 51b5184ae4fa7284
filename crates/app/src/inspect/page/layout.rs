//! Where the boxes of the diagram stand. Tables that refer to each other, over however many others, stand together, in layers: what is referred to on
//! the left, what refers on the right. Tables without relations stand in a grid below. Pure: sizes and edges in, places out.

/// Between two layers, for the lines.
const LAYER_GAP: f64 = 84.0;
/// Between two boxes of a layer.
const BOX_GAP: f64 = 18.0;
/// Between two groups of tables.
const GROUP_GAP: f64 = 48.0;
/// A group is not folded into less than this.
const HEIGHT_MIN: f64 = 640.0;
/// The whole is not narrower than this when there is enough to fill it.
const WIDTH_MIN: f64 = 1180.0;
/// How often the order within the layers is improved.
const SWEEPS: usize = 6;

/// The size of a box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// The upper left corner of each box.
    pub(super) at: Vec<(f64, f64)>,
    pub(super) width: f64,
    pub(super) height: f64,
    /// Where the grid of tables without relations begins.
    pub(super) alone_from: Option<f64>,
}

/// Places the boxes; an edge goes from the box that refers to the one it refers to.
pub(super) fn place(sizes: &[Size], edges: &[(usize, usize)]) -> Layout {
    let (groups, alone) = groups(sizes.len(), edges);
    let mut placed: Vec<Group> = groups.iter().map(|boxes| group(boxes, sizes, edges)).collect();
    placed.sort_by(|a, b| b.size.height.total_cmp(&a.size.height));
    let mut layout = shelves(&placed, sizes.len());
    grid(&alone, sizes, &mut layout);
    layout
}

/// Boxes that are placed relative to each other.
struct Group {
    boxes: Vec<(usize, f64, f64)>,
    size: Size,
}

/// Splits the boxes into those that belong together, and those that belong to no other.
fn groups(count: usize, edges: &[(usize, usize)]) -> (Vec<Vec<usize>>, Vec<usize>) {
    let mut neighbours = vec![Vec::new(); count];
    for (from, to) in edges.iter().filter(|(from, to)| from != to) {
        neighbours[*from].push(*to);
        neighbours[*to].push(*from);
    }
    let mut seen = vec![false; count];
    let (mut groups, mut alone) = (Vec::new(), Vec::new());
    for first in 0..count {
        if std::mem::replace(&mut seen[first], true) {
            continue;
        }
        let (mut group, mut next) = (vec![first], 0);
        while let Some(at) = group.get(next).copied() {
            next += 1;
            for other in &neighbours[at] {
                if !std::mem::replace(&mut seen[*other], true) {
                    group.push(*other);
                }
            }
        }
        match group.as_slice() {
            [only] => alone.push(*only),
            _ => groups.push(group),
        }
    }
    (groups, alone)
}

/// Places the boxes of a group in layers.
fn group(boxes: &[usize], sizes: &[Size], edges: &[(usize, usize)]) -> Group {
    let mut local = vec![usize::MAX; sizes.len()];
    for (place, at) in boxes.iter().enumerate() {
        local[*at] = place;
    }
    let mut parents = vec![Vec::new(); boxes.len()];
    let mut children = vec![Vec::new(); boxes.len()];
    for (from, to) in edges {
        let (from, to) = (local[*from], local[*to]);
        if from != usize::MAX && to != usize::MAX && from != to {
            parents[from].push(to);
            children[to].push(from);
        }
    }
    let layers = ordered(layers(&parents, &children), &parents, &children);
    let area: f64 = boxes
        .iter()
        .map(|at| (sizes[*at].width + LAYER_GAP) * (sizes[*at].height + BOX_GAP))
        .sum();
    let height_max = (area.sqrt() * 0.9).max(HEIGHT_MIN);
    let mut stacks: Vec<Vec<usize>> = Vec::new();
    for layer in layers {
        let mut height = f64::INFINITY;
        for place in layer {
            let own = sizes[boxes[place]].height + BOX_GAP;
            if height + own > height_max {
                stacks.push(Vec::new());
                height = 0.0;
            }
            height += own;
            if let Some(stack) = stacks.last_mut() {
                stack.push(place);
            }
        }
    }
    stand(&stacks, boxes, sizes)
}

/// Stands the stacks side by side, each in the middle of the group's height.
fn stand(stacks: &[Vec<usize>], boxes: &[usize], sizes: &[Size]) -> Group {
    let tall = |stack: &Vec<usize>| -> f64 {
        let boxes = stack.iter().map(|place| sizes[boxes[*place]].height + BOX_GAP);
        boxes.sum::<f64>() - BOX_GAP
    };
    let height = stacks.iter().map(tall).fold(0.0, f64::max);
    let mut group = Group {
        boxes: Vec::new(),
        size: Size { width: 0.0, height },
    };
    for stack in stacks {
        let mut y = (height - tall(stack)) / 2.0;
        let mut width: f64 = 0.0;
        for place in stack {
            let at = boxes[*place];
            group.boxes.push((at, group.size.width, y));
            y += sizes[at].height + BOX_GAP;
            width = width.max(sizes[at].width);
        }
        group.size.width += width + LAYER_GAP;
    }
    group.size.width = (group.size.width - LAYER_GAP).max(0.0);
    group
}

/// Puts each box one layer behind all that it refers to; a circle is cut at the box that waits for the fewest.
fn layers(parents: &[Vec<usize>], children: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut waits: Vec<usize> = parents.iter().map(Vec::len).collect();
    let mut layer_of: Vec<Option<usize>> = vec![None; parents.len()];
    let mut ready: Vec<usize> = (0..parents.len()).filter(|place| waits[*place] == 0).collect();
    let mut layers: Vec<Vec<usize>> = Vec::new();
    for _ in 0..parents.len() {
        let next = ready.pop().or_else(|| {
            let open = (0..parents.len()).filter(|place| layer_of[*place].is_none());
            open.min_by_key(|place| (waits[*place], std::cmp::Reverse(children[*place].len())))
        });
        let Some(place) = next else { break };
        let behind = parents[place].iter().filter_map(|parent| layer_of[*parent]).max();
        let layer = behind.map_or(0, |layer| layer + 1);
        layer_of[place] = Some(layer);
        if layers.len() <= layer {
            layers.resize(layer + 1, Vec::new());
        }
        layers[layer].push(place);
        for child in &children[place] {
            waits[*child] = waits[*child].saturating_sub(1);
            if waits[*child] == 0 && layer_of[*child].is_none() && !ready.contains(child) {
                ready.push(*child);
            }
        }
    }
    layers
}

/// Orders each layer so that boxes stand near those they are linked with, which keeps lines from crossing.
fn ordered(mut layers: Vec<Vec<usize>>, parents: &[Vec<usize>], children: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut height = vec![0.0_f64; parents.len()];
    let note = |layer: &[usize], height: &mut Vec<f64>| {
        for (order, place) in layer.iter().enumerate() {
            height[*place] = (order as f64 + 0.5) / layer.len() as f64;
        }
    };
    for layer in &mut layers {
        layer.sort_unstable();
        note(layer, &mut height);
    }
    for sweep in 0..SWEEPS {
        let links = if sweep % 2 == 0 { parents } else { children };
        for at in 0..layers.len() {
            let at = if sweep % 2 == 0 { at } else { layers.len() - 1 - at };
            let mean = |place: usize| {
                let links = &links[place];
                let sum: f64 = links.iter().map(|other| height[*other]).sum();
                if links.is_empty() {
                    height[place]
                } else {
                    sum / links.len() as f64
                }
            };
            let mut layer: Vec<(f64, usize)> =
                layers[at].iter().map(|place| (mean(*place), *place)).collect();
            layer.sort_by(|a, b| a.0.total_cmp(&b.0));
            layers[at] = layer.into_iter().map(|(_, place)| place).collect();
            note(&layers[at], &mut height);
        }
    }
    layers
}

/// Puts the groups side by side, in rows as wide as makes the whole a page and not a strip.
fn shelves(groups: &[Group], count: usize) -> Layout {
    let area: f64 = groups
        .iter()
        .map(|group| (group.size.width + GROUP_GAP) * (group.size.height + GROUP_GAP))
        .sum();
    let widest = groups.iter().map(|group| group.size.width).fold(0.0, f64::max);
    let width_max = (area * 1.7).sqrt().max(WIDTH_MIN).max(widest);
    let mut layout = Layout {
        at: vec![(0.0, 0.0); count],
        width: 0.0,
        height: 0.0,
        alone_from: None,
    };
    let (mut x, mut y, mut shelf) = (0.0, 0.0, 0.0_f64);
    for group in groups {
        if x > 0.0 && x + group.size.width > width_max {
            y += shelf + GROUP_GAP;
            (x, shelf) = (0.0, 0.0);
        }
        for (at, left, top) in &group.boxes {
            layout.at[*at] = (x + left, y + top);
        }
        x += group.size.width + GROUP_GAP;
        shelf = shelf.max(group.size.height);
        layout.width = layout.width.max(x - GROUP_GAP);
        layout.height = layout.height.max(y + shelf);
    }
    layout
}

/// Puts the boxes without relations below, in rows.
fn grid(alone: &[usize], sizes: &[Size], layout: &mut Layout) {
    if alone.is_empty() {
        return;
    }
    let top = if layout.height > 0.0 {
        layout.height + GROUP_GAP
    } else {
        0.0
    };
    layout.alone_from = Some(top);
    let width_max = layout.width.max(WIDTH_MIN);
    let (mut x, mut y, mut row) = (0.0, top + BOX_GAP * 2.0, 0.0_f64);
    for at in alone {
        let size = sizes[*at];
        if x > 0.0 && x + size.width > width_max {
            y += row + BOX_GAP;
            (x, row) = (0.0, 0.0);
        }
        layout.at[*at] = (x, y);
        x += size.width + BOX_GAP;
        row = row.max(size.height);
        layout.width = layout.width.max(x - BOX_GAP);
    }
    layout.height = y + row;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizes(count: usize) -> Vec<Size> {
        (0..count)
            .map(|at| Size {
                width: 200.0,
                height: 40.0 + (at % 5) as f64 * 16.0,
            })
            .collect()
    }

    proptest! {
        #[test]
        fn no_two_boxes_overlap_whatever_refers_to_what(
            count in 1_usize..60,
            edges in proptest::collection::vec((0_usize..60, 0_usize..60), 0..120),
        ) {
            let sizes = sizes(count);
            let edges: Vec<_> = edges.into_iter().map(|(a, b)| (a % count, b % count)).collect();
            let layout = place(&sizes, &edges);
            for one in 0..count {
                let ((x, y), size) = (layout.at[one], sizes[one]);
                prop_assert!(x >= 0.0 && y >= 0.0);
                prop_assert!(x + size.width <= layout.width + 0.01 && y + size.height <= layout.height + 0.01);
                for (other, also) in sizes.iter().enumerate().skip(one + 1) {
                    let (a, b) = layout.at[other];
                    let apart = x + size.width <= a || a + also.width <= x || y + size.height <= b || b + also.height <= y;
                    prop_assert!(apart, "{one} and {other}");
                }
            }
        }
    }

    #[test]
    fn what_is_referred_to_stands_on_the_left() {
        let layout = place(&sizes(4), &[(1, 0), (2, 1), (3, 3)]);
        assert!(layout.at[0].0 < layout.at[1].0 && layout.at[1].0 < layout.at[2].0);
        assert!(layout.alone_from.is_some_and(|top| layout.at[3].1 > top));
    }
}
