//! Events to nodes: anchors, aliases, tags.

use std::ops::Range;

use foldhash::HashMap;
use libyaml_safer::EventData;

use super::error::{Stage, YamlError};
use super::scan::{Events, Placed};
use super::schema::{self, Tag};

/// How deep collections may nest. Python gives up at about 300.
pub(super) const MAX_DEPTH: usize = 200;

/// The nodes of one document. Aliases are shared nodes, so this is a graph.
#[derive(Default)]
pub(super) struct Document {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Option<NodeId>,
}

pub(super) type NodeId = usize;

pub(super) struct Node {
    pub(super) tag: Tag,
    pub(super) content: Content,
    pub(super) at: Range<usize>,
}

pub(super) enum Content {
    Scalar(String),
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
}

impl Content {
    /// PyYAML's name for the kind of node.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "scalar",
            Self::Sequence(_) => "sequence",
            Self::Mapping(_) => "mapping",
        }
    }
}

/// Reads the one document of a text; nodes are empty when there is none.
pub(super) fn compose(text: &str) -> Result<Document, YamlError> {
    let events = Events::new(text)?;
    let mut composer = Composer::default();
    events.for_each(|event| composer.take(event))?;
    Ok(composer.document)
}

#[derive(Default)]
struct Composer {
    document: Document,
    anchors: HashMap<String, NodeId>,
    /// The collections that are open, outermost first.
    open: Vec<Open>,
    first_document: Option<Range<usize>>,
}

struct Open {
    node: NodeId,
    /// In a mapping: the key whose value comes next.
    key: Option<NodeId>,
}

impl Composer {
    fn take(&mut self, event: Placed) -> Result<(), YamlError> {
        let at = event.start..event.end;
        match event.data {
            EventData::DocumentStart { .. } => match &self.first_document {
                Some(first) => {
                    return Err(YamlError::composer("but found another document", at)
                        .in_context("expected a single document in the stream", first.clone())
                        .hint("remove the second `---`: a file holds one document"));
                }
                None => self.first_document = Some(at),
            },
            EventData::Alias { anchor } => {
                let node = *self
                    .anchors
                    .get(&anchor)
                    .ok_or_else(|| YamlError::composer("found undefined alias", at.clone()))?;
                if self.open.iter().any(|open| open.node == node) {
                    return Err(YamlError::constructor("found unconstructable recursive node", at)
                        .hint("a collection cannot contain itself"));
                }
                self.place(node);
            }
            EventData::Scalar { anchor, tag, value, plain_implicit, .. } => {
                let tag = match tag {
                    Some(tag) if !tag.is_empty() && tag != "!" => Tag::from_name(tag),
                    _ if plain_implicit => schema::resolve(&value),
                    _ => Tag::Str,
                };
                let node = self.add(tag, Content::Scalar(value), at, anchor)?;
                self.place(node);
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                let tag = collection_tag(tag, Tag::Seq);
                self.open(tag, Content::Sequence(Vec::new()), at, anchor)?;
            }
            EventData::MappingStart { anchor, tag, .. } => {
                let tag = collection_tag(tag, Tag::Map);
                self.open(tag, Content::Mapping(Vec::new()), at, anchor)?;
            }
            EventData::SequenceEnd | EventData::MappingEnd => self.close(at.end),
            EventData::StreamStart { .. } | EventData::StreamEnd | EventData::DocumentEnd { .. } => {}
        }
        Ok(())
    }

    fn add(
        &mut self,
        tag: Tag,
        content: Content,
        at: Range<usize>,
        anchor: Option<String>,
    ) -> Result<NodeId, YamlError> {
        if let Some(anchor) = anchor {
            if let Some(first) = self.anchors.get(&anchor).and_then(|first| self.document.nodes.get(*first)) {
                let first = first.at.clone();
                return Err(YamlError::composer("second occurrence", at)
                    .in_context("found duplicate anchor; first occurrence", first));
            }
            self.anchors.insert(anchor, self.document.nodes.len());
        }
        Ok(self.push(tag, content, at))
    }

    /// Adds a node that stands nowhere yet.
    fn push(&mut self, tag: Tag, content: Content, at: Range<usize>) -> NodeId {
        self.document.nodes.push(Node { tag, content, at });
        self.document.nodes.len() - 1
    }

    /// Opens a collection where the next node belongs.
    fn open(
        &mut self,
        tag: Tag,
        content: Content,
        at: Range<usize>,
        anchor: Option<String>,
    ) -> Result<(), YamlError> {
        if self.open.len() >= MAX_DEPTH {
            let text = format!("collections are nested deeper than {MAX_DEPTH} levels");
            return Err(YamlError::new(Stage::Composer, None, super::Part { text, at }));
        }
        let node = self.add(tag, content, at, anchor)?;
        self.place(node);
        self.open.push(Open { node, key: None });
        Ok(())
    }

    /// Closes the innermost open collection.
    fn close(&mut self, end: usize) {
        if let Some(open) = self.open.pop()
            && let Some(node) = self.document.nodes.get_mut(open.node)
        {
            node.at.end = end.max(node.at.start);
        }
    }

    /// Puts a node where the next one belongs.
    fn place(&mut self, node: NodeId) {
        let Some(open) = self.open.last_mut() else {
            self.document.root = Some(node);
            return;
        };
        match self.document.nodes.get_mut(open.node).map(|parent| &mut parent.content) {
            Some(Content::Sequence(items)) => items.push(node),
            Some(Content::Mapping(pairs)) => match open.key.take() {
                None => open.key = Some(node),
                Some(key) => pairs.push((key, node)),
            },
            Some(Content::Scalar(_)) | None => {}
        }
    }
}

fn collection_tag(tag: Option<String>, default: Tag) -> Tag {
    match tag {
        Some(tag) if !tag.is_empty() && tag != "!" => Tag::from_name(tag),
        _ => default,
    }
}
