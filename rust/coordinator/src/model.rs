//! The nouns that every other module shares: items, groups, workers.

use serde::{Deserialize, Serialize};

/// Position of an item in the collection order; the only name an item has in Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemId(pub u32);

/// Number of a worker: 0 is `gw0`. A replacement gets a new number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub u32);

impl ItemId {
    /// The id as an index into tables of items.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl WorkerId {
    /// The id as an index into tables of workers.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl std::fmt::Display for WorkerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "gw{}", self.0)
    }
}

/// Which of the items with the same group key an item belongs together with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Membership {
    /// Those that follow each other in the collection.
    Neighbours,
    /// All, wherever they stand, and they are never separated (`xdist_group`).
    Gathered,
    /// All, wherever they stand, but each may run anywhere (`parallel_safe`). It ends no group that it stands in.
    Loose,
}

/// What the plan needs to know about one collected item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Items with the same key form a group (a module by default).
    pub group: u32,
    /// Consecutive items of a group with the same key are never separated (a class, an `xdist_group`).
    pub atom: u32,
    /// Which items with the same key it forms a group with.
    pub membership: Membership,
    /// Runs when nothing else runs.
    pub serial: bool,
    /// Uses a fixture of module or package scope, so splitting its group sets that fixture up twice.
    pub shares_fixtures: bool,
    /// Expected duration in seconds, if there is a history.
    pub estimate: Option<f64>,
    /// Seconds that it takes to set up again the fixtures that its group shares, if there is a history.
    pub price: Option<f64>,
    /// Which of [`WideFixtures::sets`] it uses.
    pub wide: Option<u32>,
}

/// A fixture of session or package scope: a worker sets it up once for several groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WideFixture {
    /// Its name, behind the node id of what defines it.
    pub name: String,
    /// It is torn down when its package is left.
    pub of_package: bool,
    /// Seconds that it takes to be set up; 0 as long as nobody knows.
    pub seconds: f64,
}

/// All fixtures of session and package scope, and which of them are used together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WideFixtures {
    /// A fixture's number is its place here.
    pub each: Vec<WideFixture>,
    /// Numbers of fixtures.
    pub sets: Vec<Vec<u32>>,
}

/// Which tests share what a fixture has set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FixtureScope {
    /// Those of a worker.
    Session,
    /// Those of a package.
    Package,
    /// Those of a module.
    Module,
    /// Those of a class.
    Class,
    /// None.
    Function,
}

impl FixtureScope {
    /// pytest's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Package => "package",
            Self::Module => "module",
            Self::Class => "class",
            Self::Function => "function",
        }
    }

    /// The one of this name; pytest has no others.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let all = [Self::Session, Self::Package, Self::Module, Self::Class];
        all.into_iter().find(|scope| scope.name() == name).unwrap_or(Self::Function)
    }
}

/// What setting up a fixture took a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixtureTimes {
    /// As in [`WideFixture`].
    pub name: String,
    /// Its scope.
    pub scope: FixtureScope,
    /// How often it was set up.
    pub times: u32,
    /// All together.
    pub seconds: f32,
    /// The longest one.
    pub longest: f32,
}

/// What was collected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Collection {
    /// In collection order.
    pub items: Vec<Item>,
    /// What they use.
    pub fixtures: WideFixtures,
    /// Seconds after which an item counts as hanging, of those that say so themselves; 0: never.
    pub patience: Vec<(ItemId, f64)>,
}

impl Collection {
    /// Whether its numbers can be those of a collection: keys are counted from 0, two of them to an item at most.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let count = self.items.len();
        let is_key = |key: u32| (key as usize) < 2 * count;
        self.items.iter().all(|item| is_key(item.group) && is_key(item.atom))
            && self.patience.iter().all(|(item, _)| item.index() < count)
    }
}
