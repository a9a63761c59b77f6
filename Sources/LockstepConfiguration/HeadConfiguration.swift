import LockstepCatalog
import LockstepDatasets
import LockstepFiles
import LockstepLayers

/// One of several heads of a model: what it predicts, and by which loss it learns to.
package struct HeadConfiguration: Sendable {
  /// What it is called in metrics and predictions.
  package let name: String
  /// What it predicts of a table's rows.
  let target: TableHead
  /// Its loss.
  package let loss: any LossFunction
  /// What the loss weighs among those of all heads.
  let weight: Float
  /// What is reported beside the loss and its own metrics.
  package let metrics: [any Metric]
  /// What is applied to the model's features; nil for a linear layer.
  let model: (any Model)?

  /// The keys of an entry of `heads`.
  static let form = Form(
    "head",
    [
      .required(
        "target", .either(.text, .texts),
        "the column that the head predicts, one of `data.target`; several of numbers or of labels"),
      .with("loss", .object { LossCatalog.catalog.form }, [:], "what is minimised"),
      .with(
        "weight", .number(NumberRange(to: 1_000_000, above: 0)), 1,
        "multiplies the mean of the head's loss in the sum of all"),
      .optional(
        "metrics", .objects { MetricCatalog.catalog.form },
        "what is reported beside the loss and its own metrics"),
      .optional(
        "name", .text, "what the head is called in metrics and predictions",
        absence: "the target's name"),
      .standardizeTarget, .targetClasses,
      .optional(
        "model", .object { ConfiguredModels.form },
        "what is applied to the model's output, as under `model`",
        absence: "a linear layer with as many outputs as the target asks for"),
    ])

  /// - Throws: `ConfigurationError` for keys that do not go with each other.
  init(_ values: Hyperparameters) throws(ConfigurationError) {
    let columns = (values["target"] as OneOrMore).texts
    guard let loss = try values.make("loss", LossCatalog.catalog) else {
      preconditionFailure("'loss' is always read")
    }
    self.loss = loss
    if let fitted = loss as? any FittedLoss, fitted.needsFitting {
      throw values.error(
        "loss",
        "has weights of classes, which change what it is divided by, and cannot be added to other losses: "
          + "leave them out, and set the head's 'weight'")
    }
    let kind = Self.kind(of: loss)
    guard !columns.isEmpty, Set(columns).count == columns.count else {
      throw values.error("target", "must name at least one column, and each once")
    }
    guard columns.count == 1 || kind != .classes else {
      throw values.error(
        "target",
        "names \(columns.count) columns, and the loss \(loss.name) is of one class: give each a head of its own"
      )
    }
    if kind != .values, values["standardizeTarget"] {
      throw values.error(
        "standardizeTarget", "goes with a target of numbers; the loss \(loss.name) has none")
    }
    if kind != .classes, values.contains("classes") {
      throw values.error("classes", "goes with a loss of classes; found \(loss.name)")
    }
    name = values["name"] ?? columns.joined(separator: "+")
    guard !name.isEmpty else { throw values.error("name", "must not be empty") }
    guard !Self.takenNames.contains(name), !name.hasPrefix("heads."), !name.hasPrefix("category ")
    else {
      throw values.error(
        "name",
        "is '\(name)', which predictions or exported models have for something else: set 'name' to another word"
      )
    }
    do {
      target = TableHead(
        name: name, columns: columns, kind: kind,
        classes: try TargetKeys.classes(values, kind), standardizes: values["standardizeTarget"])
    } catch let error as ConfigurationError { throw error } catch {
      throw values.error("classes", "cannot be used: \(error)")
    }
    let weight: Double = values["weight"]
    self.weight = Float(weight)
    var metrics: [any Metric] = []
    for metric in values.objects("metrics") {
      metrics.append(try MetricCatalog.catalog.make(metric))
    }
    self.metrics = metrics
    if let object = values.object("model") {
      model = try ConfiguredModels.make(object)
    } else {
      model = nil
    }
  }

  /// What else stands beside the heads in predictions and models.
  private static let takenNames: Set<String> = ["row", "id", "input", "label"]

  /// What a loss takes for targets.
  private static func kind(of loss: any LossFunction) -> TargetKind {
    switch (loss as? any InterpretingLoss)?.outputMeaning {
    case .classLogits?: .classes
    case .labelLogits?: .labels
    case .numbers?, nil: .values
    }
  }

  /// The head for what training learned about its target.
  func head(_ target: TargetDescription) -> SingleInputModel.Head {
    let width =
      switch target.kind {
      case .classes(let names): names.count
      case .values(let width): width * ((loss as? Quantile)?.levels.count ?? 1)
      }
    return .init(name, model ?? Linear(width))
  }

  /// The loss of the head's output.
  func term(at index: Int) -> OutputLosses.Term {
    .init(
      name, loss, label: HeadDescription.labelField(name, at: index), weight: weight,
      metrics: metrics)
  }
}

extension [HeadConfiguration] {
  /// The heads that a configuration names, with names of their own.
  init(_ values: Hyperparameters) throws(ConfigurationError) {
    self = []
    for object in values.objects("heads") { append(try HeadConfiguration(object)) }
    if isEmpty { return }
    if let twice = first(where: { head in filter { $0.name == head.name }.count > 1 }) {
      throw values.error("heads", "has two of the name '\(twice.name)'; set 'name' for one of them")
    }
    func refuse(_ key: String, _ reason: String) -> ConfigurationError {
      values.error(key, "does not go with 'heads', \(reason)")
    }
    if values.contains("hessianFree") {
      throw refuse("hessianFree", "whose curvature is that of one loss: take an 'optimizer'")
    }
    if values.contains("distillation") {
      throw refuse("distillation", "which learns from a teacher of one output")
    }
  }

  /// What is minimised: the losses of all heads.
  var losses: OutputLosses {
    OutputLosses(enumerated().map { index, head in head.term(at: index) })
  }
}
