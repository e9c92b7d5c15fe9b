//! What is asked, and how the reply is to look: operation, face and format, as the path tells them.

/// What an application may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Request,
    /// A request that has a payment confirmed.
    Psd2,
    Check,
    Search,
    Control,
}

impl Operation {
    pub const ALL: [Self; 5] = [Self::Request, Self::Psd2, Self::Check, Self::Search, Self::Control];

    /// The word in paths and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Psd2 => "psd2",
            Self::Check => "check",
            Self::Search => "search",
            Self::Control => "control",
        }
    }

    /// Whether it makes a verification, which a barred account may not.
    pub fn starts(self) -> bool {
        match self {
            Self::Request | Self::Psd2 => true,
            Self::Check | Self::Search | Self::Control => false,
        }
    }
}

/// How a reply is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Xml,
}

impl Format {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "text/xml; charset=utf-8",
        }
    }
}

/// Which of the two faces is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// HTTP 200 whatever the outcome; GET and POST.
    Nexmo(Format),
    /// An HTTP status that tells the outcome; POST only, JSON out.
    Portal,
}

impl Face {
    pub const ALL: [Self; 3] = [Self::Nexmo(Format::Json), Self::Nexmo(Format::Xml), Self::Portal];

    /// The word in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nexmo(Format::Json) => "nexmo-json",
            Self::Nexmo(Format::Xml) => "nexmo-xml",
            Self::Portal => "portal",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub operation: Operation,
    pub face: Face,
}

impl Endpoint {
    pub fn all() -> impl Iterator<Item = Self> {
        let endpoints = Operation::ALL.into_iter().flat_map(|operation| Face::ALL.map(|face| Self { operation, face }));
        endpoints.filter(|endpoint| !endpoint.paths().is_empty())
    }

    pub fn format(self) -> Format {
        match self.face {
            Face::Nexmo(format) => format,
            Face::Portal => Format::Json,
        }
    }

    /// None where the face does not have the operation.
    pub fn paths(self) -> &'static [&'static str] {
        use Operation::{Check, Control, Psd2, Request, Search};
        match (self.operation, self.face) {
            (Request, Face::Portal) => &["/verify", "/verify/"],
            (Request, Face::Nexmo(Format::Json)) => &["/verify/json"],
            (Request, Face::Nexmo(Format::Xml)) => &["/verify/xml"],
            (Psd2, Face::Portal) => &[],
            (Psd2, Face::Nexmo(Format::Json)) => &["/verify/psd2/json"],
            (Psd2, Face::Nexmo(Format::Xml)) => &["/verify/psd2/xml"],
            (Check, Face::Portal) => &["/verify/check"],
            (Check, Face::Nexmo(Format::Json)) => &["/verify/check/json"],
            (Check, Face::Nexmo(Format::Xml)) => &["/verify/check/xml"],
            (Search, Face::Portal) => &["/verify/search"],
            (Search, Face::Nexmo(Format::Json)) => &["/verify/search/json"],
            (Search, Face::Nexmo(Format::Xml)) => &["/verify/search/xml"],
            (Control, Face::Portal) => &["/verify/control"],
            (Control, Face::Nexmo(Format::Json)) => &["/verify/control/json"],
            (Control, Face::Nexmo(Format::Xml)) => &["/verify/control/xml"],
        }
    }

    /// The methods it takes, as the `Allow` header lists them.
    pub fn methods(self) -> &'static str {
        match self.face {
            Face::Nexmo(_) => "GET, POST",
            Face::Portal => "POST",
        }
    }
}
