//! SMS PDUs (3GPP TS 23.040): encode and decode. Pure.
