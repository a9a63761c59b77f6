import LockstepCatalog

/// The optimizers that a configuration can name.
package enum OptimizerCatalog {
  /// The optimizers, in the order of documentation.
  package static let catalog = Catalog<Optimizer>(
    "optimizer",
    [
      Chain.sgdEntry, Chain.rmspropEntry, Chain.adagradEntry, Chain.adadeltaEntry,
      Chain.adamEntry, Chain.adamWEntry, Chain.nadamEntry, Chain.radamEntry, Chain.lionEntry,
      Chain.larsEntry, Chain.lambEntry, Chain.adEMAMixEntry, Chain.signSGDEntry, Chain.signumEntry,
      Chain.muonEntry, Chain.scheduleFreeSGDEntry, Chain.scheduleFreeAdamWEntry,
      Chain.adanEntry, Chain.prodigyEntry, Chain.adafactorEntry, Chain.shampooEntry,
      Chain.soapEntry, Chain.scionEntry, Chain.spamEntry, Chain.stableSPAMEntry,
      Chain.sgdKerasEntry, Chain.rmspropKerasEntry,
      Chain.adagradKerasEntry, Chain.adadeltaKerasEntry, Chain.adamKerasEntry,
      Chain.adamWKerasEntry, Chain.nadamKerasEntry, Chain.lionKerasEntry,
    ],
    fallback: Chain.adamEntry.name,
    beside: [
      .with(
        "schedule", .object { ScheduleCatalog.catalog.form }, [:],
        "the learning rate as a function of the step"),
      .optional(
        "groups", .objects { ParameterGroup.form }, "tensors with factors of their own"),
    ])
}
