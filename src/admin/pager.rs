//! Long lists, a page at a time.

use super::visitor::Visitor;

/// Where one is in a list.
pub(super) struct Pager {
    /// From 1.
    pub page: usize,
    pub pages: usize,
    pub earlier: Option<String>,
    pub later: Option<String>,
}

impl Pager {
    /// The page that the address names, from 0.
    pub fn asked(visitor: &Visitor) -> usize {
        let asked = visitor.query("page").and_then(|page| page.parse::<usize>().ok());
        asked.unwrap_or(1).saturating_sub(1)
    }

    /// Of `count` things, `of_page` at a time; `base` is an address to which a parameter can be added.
    pub fn new(page: usize, count: usize, of_page: usize, base: &str) -> Self {
        let pages = count.div_ceil(of_page).max(1);
        let address = |page: usize| format!("{base}page={page}");
        Self {
            page: page.saturating_add(1),
            pages,
            // From a page that is not there any more back to the last one.
            earlier: (page > 0).then(|| address(page.min(pages))),
            later: (page.saturating_add(1) < pages).then(|| address(page + 2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_leads_to_the_ones_beside_it() {
        let links = |page, count| {
            let pager = Pager::new(page, count, 10, "/x?");
            (pager.earlier, pager.page, pager.pages, pager.later)
        };
        let at = |page: usize| Some(format!("/x?page={page}"));
        assert_eq!(links(0, 0), (None, 1, 1, None));
        assert_eq!(links(0, 25), (None, 1, 3, at(2)));
        assert_eq!(links(1, 25), (at(1), 2, 3, at(3)));
        assert_eq!(links(2, 25), (at(2), 3, 3, None));
        assert_eq!(links(9, 25), (at(3), 10, 3, None));
        assert_eq!(links(usize::MAX, 25).0, at(3));
    }
}
