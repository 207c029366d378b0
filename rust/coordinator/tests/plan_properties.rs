//! What must hold for every plan, and what the groups of a few collections are.

use coordinator::model::{Item, ItemId, Membership};
use coordinator::plan::{Order, Plan, Span};
use proptest::prelude::*;

fn item(group: u32, atom: u32) -> Item {
    let (membership, serial, shares_fixtures, estimate) = (Membership::Neighbours, false, false, None);
    Item { group, atom, membership, serial, shares_fixtures, estimate, price: None, wide: None }
}

fn ids(plan: &Plan, groups: &[Span]) -> Vec<Vec<u32>> {
    let group = |group: &Span| group.positions().map(|position| plan.item(position).0).collect();
    groups.iter().map(group).collect()
}

#[test]
fn neighbours_with_one_key_form_a_group() {
    let plan = Plan::new([item(1, 0), item(1, 0), item(2, 0), item(1, 0)], Order::Collected);
    assert_eq!(ids(&plan, plan.groups()), [vec![0, 1], vec![2], vec![3]]);
    assert_eq!(plan.separable(), 3);
}

#[test]
fn a_loose_item_does_not_separate_its_neighbours() {
    let loose = |atom| Item { membership: Membership::Loose, ..item(9, atom) };
    let plan = Plan::new([item(1, 0), loose(1), item(1, 0), loose(2)], Order::Collected);
    let groups: Vec<Vec<ItemId>> =
        plan.groups().iter().map(|group| group.positions().map(|at| plan.item(at)).collect()).collect();
    assert_eq!(groups, [[ItemId(0), ItemId(2)], [ItemId(1), ItemId(3)]]);
    assert_eq!(plan.separable(), 3, "the class, and each loose item");
}

#[test]
fn gathered_items_form_one_atom_wherever_they_stand() {
    let gathered = |atom| Item { membership: Membership::Gathered, ..item(9, atom) };
    let plan = Plan::new([item(1, 0), gathered(1), item(1, 2), gathered(3)], Order::Collected);
    assert_eq!(ids(&plan, plan.groups()), [vec![0, 2], vec![1, 3]]);
    assert_eq!(plan.separable(), 3);
}

#[test]
fn groups_in_pieces_stay_as_collected() {
    let plan = Plan::new([item(1, 0), item(2, 0), item(2, 0), item(1, 0)], Order::Balanced);
    assert_eq!(plan.order(), Order::Collected);
    let serial = Item { serial: true, ..item(1, 1) };
    let plan = Plan::new([item(1, 0), item(2, 0), item(2, 0), serial], Order::Balanced);
    assert_eq!(plan.order(), Order::Balanced, "serial items are apart anyway");
}

#[test]
fn serial_items_are_apart_and_behind() {
    let serial = Item { serial: true, ..item(1, 1) };
    let plan = Plan::new([item(1, 0), serial.clone(), item(1, 0)], Order::Balanced);
    assert_eq!(ids(&plan, plan.groups()), [[0, 2]]);
    assert_eq!(ids(&plan, plan.serial_groups()), [[1]]);
    assert!(plan.is_serial(plan.position(ItemId(1))));
    assert_eq!(Plan::new([serial], Order::Collected).separable(), 1);
}

#[test]
fn groups_stand_as_collected_and_unknown_items_count_as_average() {
    let known = |group, seconds| Item { estimate: Some(seconds), ..item(group, 0) };
    let items = [known(0, 1.0), item(1, 0), item(1, 0), known(2, 5.0), known(3, 3.0)];
    let plan = Plan::new(&items[..], Order::Balanced);
    assert_eq!(ids(&plan, plan.groups()), [vec![0], vec![1, 2], vec![3], vec![4]]);
    assert!((plan.cost(plan.groups()[1]) - 6.0).abs() < 1e-9);
    let total = plan.expected_total(0.5);
    assert!((total - 10.0).abs() < 1e-9, "{total}");
}

#[test]
fn an_empty_collection_is_an_empty_plan() {
    let plan = Plan::new([], Order::Balanced);
    assert!(plan.is_empty());
    assert_eq!(plan.separable(), 0);
}

prop_compose! {
    fn any_items()(
        items in prop::collection::vec(
            (0..4_u32, 0..3_u32, prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::option::of(any::<f64>())),
            0..60,
        ),
    ) -> Vec<Item> {
        let build = |(group, atom, gathered, serial, estimate)| {
            // A key is gathered or it is not.
            let group = if gathered { group + 10 } else { group };
            let membership = if gathered { Membership::Gathered } else { Membership::Neighbours };
            Item { membership, serial, estimate, ..item(group, atom) }
        };
        items.into_iter().map(build).collect()
    }
}

proptest! {
    #[test]
    fn every_item_has_one_place(items in any_items(), balanced: bool) {
        let order = if balanced { Order::Balanced } else { Order::Collected };
        let plan = Plan::new(&items, order);
        let spans: Vec<Span> = plan.groups().iter().chain(plan.serial_groups()).copied().collect();
        let positions: Vec<u32> = spans.iter().flat_map(|span| span.positions()).collect();
        prop_assert_eq!(positions, (0..plan.end()).collect::<Vec<_>>());
        for (id, item) in (0..).map(ItemId).zip(&items) {
            let position = plan.position(id);
            prop_assert_eq!(plan.item(position), id);
            prop_assert_eq!(plan.is_serial(position), item.serial);
        }
        for span in spans {
            let ids: Vec<ItemId> = span.positions().map(|position| plan.item(position)).collect();
            prop_assert!(ids.is_sorted(), "a group is in collection order");
            let key = items[ids[0].index()].group;
            prop_assert!(ids.iter().all(|id| items[id.index()].group == key));
        }
    }

    #[test]
    fn a_split_is_between_atoms_and_leaves_something_behind_it(
        items in any_items(),
        share in 0.0..1.5_f64,
    ) {
        let plan = Plan::new(items, Order::Collected);
        for &group in plan.groups() {
            let split = plan.split_point(group, plan.weight(group) * share);
            prop_assert!(group.positions().contains(&split));
            prop_assert_eq!(plan.atom_start(split), split);
        }
    }
}
