import LockstepCatalog
import LockstepEngine
import LockstepFiles

extension Unfreezing {
  /// The keys of an entry of `unfreeze`.
  static let form: Form = {
    var form = Form(
      "unfreezing",
      [
        .required(
          "parameters", .texts, "patterns of parameters, among those that `freeze` names"),
        .optional(
          "epoch", .integer(2...1_000_000_000),
          "they move from the beginning of this epoch on, counted from 1"),
        .optional(
          "step", .integer(2...Int.max), "they move from this step on, counted from 1"),
      ])
    form.exactlyOne = ["epoch", "step"]
    form.refusal = { reader throws(ConfigurationError) in
      if reader.contains("epoch"), reader.contains("step") {
        throw reader.error("step", "and 'epoch' both say when parameters begin to move; give one")
      }
      if !reader.contains("epoch"), !reader.contains("step") {
        throw reader.missing(
          "epoch", "is missing: 'epoch' or 'step' says when the parameters begin to move")
      }
    }
    return form
  }()

  init(_ values: Hyperparameters) {
    let epoch: Int? = values["epoch"]
    let step: Int? = values["step"]
    self.init(values["parameters"], at: epoch.map { .epoch($0) } ?? .step(step ?? 2))
  }
}
