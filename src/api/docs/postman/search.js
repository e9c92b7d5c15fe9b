const reply = pm.response.json();
pm.test("200 OK: the verification is found", () => {
    pm.response.to.have.status(200);
    pm.expect(reply).not.to.have.property("error_text");
    pm.expect(reply.request_id).to.equal(pm.environment.get("request_id"));
    pm.expect(reply.account_id).to.equal(pm.environment.get("api_key"));
    pm.expect(reply.status).to.be.oneOf(["IN PROGRESS", "SUCCESS", "FAILED", "EXPIRED", "CANCELLED"]);
});
