const reply = pm.response.json();
const request_id = pm.environment.get("request_id");
pm.test("200 OK: the code is right", () => {
    pm.response.to.have.status(200);
    pm.expect(reply.request_id).to.equal(request_id);
    pm.expect(reply.status).to.equal("0");
    pm.expect(reply.event_id).to.match(/^[0-9a-f]{16}$/);
    pm.expect(reply.price).to.match(/^[0-9]+\.[0-9]{8}$/);
});
if (pm.response.code === 200) {
    pm.environment.set("verified_request_id", request_id);
}
