const reply = pm.response.json();
// A refusal for a verification in progress names it, too.
if (reply.request_id) {
    pm.environment.set("request_id", reply.request_id);
}
pm.test("201 Created: the verification has started", () => {
    pm.response.to.have.status(201);
    pm.expect(reply).to.eql({request_id: reply.request_id, status: "0"});
    pm.expect(reply.request_id).to.match(/^[0-9a-f]{32}$/);
    pm.expect(pm.response.headers.get("Location")).to.include(reply.request_id);
});
if (pm.response.code === 201) {
    // The right code, unless the phone shows another one.
    pm.environment.set("code", pm.environment.get("pin_code"));
    pm.environment.unset("verified_request_id");
}
