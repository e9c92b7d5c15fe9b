-- Master keys that take each other's place, and what is kept for less long than the rest.

-- Which master key peppers pin_hash: the first octets of its check value; null: written before there could be two.
alter table verification add column pin_key blob check (length(pin_key) = 8);

-- What may be wiped before its verification goes (storage.number_retention_days, ip_address_retention_days): a wiped
-- number is x'' with a hash of zeros, a wiped address ''.
create index verification_with_number on verification (finalized_at)
    where finalized_at is not null and length(number_sealed) > 0;
create index try_with_address on try (received_at) where ip_address <> '';
