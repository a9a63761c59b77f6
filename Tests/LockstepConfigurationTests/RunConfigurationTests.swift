import LockstepCatalog
import LockstepConfiguration
import LockstepFiles
import LockstepLayers
import LockstepOptimization
import LockstepTestSupport
import LockstepTraining
import Testing

private let small = """
  {"data": {"type": "blobs"}, "model": {"type": "mlp", "sizes": [4, 2]}}
  """

private func read(_ text: String, _ overrides: String...) throws -> RunConfiguration {
  try RunConfiguration(
    parsing: Array(text.utf8), source: "test.json", overrides: try overrides.map(Override.init))
}

/// The message of the error that reading ends with.
private func refusal(_ overrides: [String]) -> String {
  do {
    _ = try RunConfiguration(
      parsing: Array(small.utf8), source: "test.json",
      overrides: try overrides.map(Override.init))
    return "accepted"
  } catch { return "\(error)" }
}

@Suite struct RunConfigurationTests {
  @Test func defaultsAreFilledInAndReadBackTheSame() throws {
    let first = try read(small)
    #expect(first.batchSize == 64)
    #expect(first.shards == 2)
    #expect(first.options.epochs == 10)
    #expect(first.threads == 1)
    #expect(first.resolved["watchdog.longSeconds"] == .number(3600))
    #expect(try read(small, "watchdog.seconds=5").resolved["watchdog.longSeconds"] == .number(60))
    let second = try RunConfiguration(first.resolved, source: "config.json")
    #expect(second.resolved == first.resolved)
    #expect(second.resolved.prettyText == first.resolved.prettyText)
  }

  @Test func gradientsTravelAsAsked() throws {
    #expect(try read(small).wire == .float32)
    let rounded = try read(small, "wire.type=bfloat16")
    #expect(rounded.wire == .bfloat16(level: 0))
    #expect(rounded.sharing == .replicated)
    #expect(try read(small, "wire.type=bfloat16", "update=sharded").sharing == .sharded)
    #expect(rounded.resolved["wire"]?["level"] == 0)
    #expect(
      try read(small, "wire.type=bfloat16", "wire.level=2", "shards=8").wire == .bfloat16(level: 2))
    #expect(refusal(["wire.type=half"]).contains("wire.type"))
    #expect(refusal(["wire.level=1"]).contains("goes with the type 'bfloat16'"))
    #expect(refusal(["wire.type=bfloat16", "shards=8", "wire.level=3"]).contains("wire.level"))
    #expect(
      refusal(["wire.type=bfloat16", "shards=1"]).contains("set shards to 2 or more"))
    #expect(
      refusal(["wire.type=bfloat16", "reduction=allreduce"]).contains("needs the reduction 'tree'"))
    #expect(
      refusal(["wire.type=bfloat16", "hessianFree.iterations=5"]).contains("needs float32"))
  }

  @Test func policiesForWhatIsNotFinite() throws {
    #expect(try read(small).nonFinite == .stop)
    #expect(try read(small, "nonFinite=skip").nonFinite == .skip(limit: 10))
    #expect(try read(small, "nonFinite=sanitize").nonFinite == .sanitize(.shards, limit: 10))
    #expect(
      try read(small, #"nonFinite={"policy": "skip", "limit": 3}"#).nonFinite == .skip(limit: 3))
    let values = try read(small, #"nonFinite={"policy": "sanitize", "replace": "values"}"#)
    #expect(values.nonFinite == .sanitize(.values, limit: 10))
    #expect(values.resolved["nonFinite"]?["limit"] == 10)
    for (override, message) in [
      ("nonFinite=skp", "'nonFinite' must be one of 'stop', 'skip', 'sanitize'; found 'skp'"),
      (#"nonFinite={"policy": "skip", "limit": 0}"#, "'nonFinite.limit' must be an integer of at"),
      (#"nonFinite={"policy": "stop", "limit": 2}"#, "unknown key 'limit' in 'nonFinite'"),
      (#"nonFinite={"limit": 2}"#, "'nonFinite.policy' is missing"),
    ] {
      #expect(refusal([override]).contains(message), "\(refusal([override]))")
    }
    #expect(
      refusal(["hessianFree={}", "nonFinite=sanitize"]).contains(
        "'nonFinite' is 'sanitize', which does not go with 'hessianFree'"))
  }

  @Test func distillationIsChecked() throws {
    let read = try read(small, "distillation.teacher=runs/x", "distillation.temperature=4")
    #expect(read.distillation?.teacher == AbsolutePath.of("runs/x"))
    #expect(read.loss.name == "distillation")
    #expect(read.resolved["distillation"]?["weight"] == .number(0.5))
    for (overrides, message) in [
      (["distillation={}"], "'distillation.teacher' is missing"),
      (
        ["distillation.teacher=x", "distillation.weight=1.5"],
        "'distillation.weight' must be a number"
      ),
      (
        ["distillation.teacher=x", "distillation.temperature=0"],
        "'distillation.temperature' must be a number"
      ),
      (
        ["distillation.teacher=x", "loss.type=meanSquaredError"],
        "'distillation' needs the loss 'softmaxCrossEntropy'; found 'meanSquaredError'"
      ),
      (
        ["distillation.teacher=x", #"distillation.model={"type": "mlpp"}"#],
        "'distillation.model.type' must be one of"
      ),
    ] {
      #expect(refusal(overrides).contains(message), "\(refusal(overrides))")
    }
  }

  @Test func normsOfParametersAreLoggedOnRequest() throws {
    #expect(try read(small).options.parameterNormsEverySteps == nil)
    let every = try read(small, "log.parameterNormsEverySteps=5")
    #expect(every.options.parameterNormsEverySteps == 5)
    #expect(
      refusal(["log.parameterNormsEverySteps=0"]).contains("'log.parameterNormsEverySteps' must be")
    )
    #expect(
      refusal(["log.parameterNormsEverySteps=5", "hessianFree={}"]).contains(
        "'log.parameterNormsEverySteps' does not go with 'hessianFree'"))
  }

  @Test func precisionsHaveNames() throws {
    #expect(try read(small).planOptions.precision == .float32)
    #expect(try read(small, "precision=bfloat16").planOptions.precision == .bfloat16)
    #expect(try read(small).resolved["precision"] == "float32")
    let unknown = refusal(["precision=bf16"])
    #expect(unknown.contains("'precision' must be") && unknown.contains("bfloat16"), "\(unknown)")
    let second = refusal(["precision=bfloat16", "hessianFree={}"])
    #expect(second.contains("'precision' is bfloat16, and a Hessian-free step needs float32"))
    // Another precision is another run: a checkpoint of the one is not resumed as the other.
    #expect(!(try read(small).mayDiffer.contains("precision")))
  }

  @Test func overridesReplaceValues() throws {
    let configuration = try read(
      small, "batchSize=512", "optimizer.type=sgd", "optimizer.momentum=0.5", "seed=9")
    #expect(configuration.batchSize == 512)
    #expect(configuration.shards == 16)
    #expect(configuration.seed == 9)
    #expect(configuration.resolved["optimizer"]?["momentum"] == .number(0.5))
  }

  /// Every key of every catalog can be given, with its default, and what is read reads back the same.
  @Test func everyCatalogEntryCanBeNamed() throws {
    func accept(_ path: String, _ form: Form) throws {
      for variant in form.variants {
        var given = form.example(variant.name)
        for hyperparameter in variant.hyperparameters where given[hyperparameter.key] == nil {
          given[hyperparameter.key] = hyperparameter.defaultValue
        }
        if path == "model.layers", given["groups"] != nil { given["groups"] = 1 }
        var value = try JSONValue.parse(small)
        if path == "model.layers" { try value.set("model", to: [:]) }
        if path == "constraints" || path == "regularizers" { given["pattern"] = "*.weight" }
        try value.set(path, to: .object(given))
        let configuration = try RunConfiguration(value, source: variant.name)
        let again = try RunConfiguration(configuration.resolved, source: variant.name)
        #expect(again.resolved == configuration.resolved, "\(variant.name)")
      }
    }
    try accept("model", ModelCatalog.catalog.form)
    try accept("model.layers", LayerCatalog.catalog.form)
    try accept("optimizer", OptimizerCatalog.catalog.form)
    try accept("optimizer.schedule", ScheduleCatalog.catalog.form)
    try accept("clip", ClipCatalog.catalog.form)
    try accept("constraints", ConstraintCatalog.catalog.form)
    try accept("regularizers", RegularizerCatalog.catalog.form)
    #expect(OptimizerCatalog.catalog.entries.count >= 19)
    #expect(ClipCatalog.catalog.entries.count >= 8)
  }

  /// Editors want the key; nothing follows from it.
  @Test func theSchemasNameIsIgnored() throws {
    let named = try read(small, #"$schema="lockstep.schema.json""#)
    #expect(named.resolved == (try read(small).resolved))
    #expect(refusal([#"model.$schema="x""#]).contains("unknown key '$schema' in 'model'"))
  }

  /// `layers` is a number of some presets, and the list in a preset's place.
  @Test func aPresetMayHaveANumberOfLayers() throws {
    for type in ["gpt", "characterLSTM"] {
      let text = """
        {"data": {"type": "king-james"}, "model": {"type": "\(type)", "vocabulary": 72, "layers": 3}}
        """
      let configuration = try RunConfiguration(parsing: Array(text.utf8), source: "x")
      #expect(configuration.resolved["model"]?["layers"] == 3)
    }
  }

  @Test func layersCarryInitialisersAndConstraints() throws {
    let configuration = try read(
      small,
      """
      model={"layers": [{"type": "Linear", "name": "head", "outFeatures": 1,
        "weightInitializer": {"type": "he", "slope": 0.1},
        "constraint": {"type": "maxNorm", "limit": 2, "mode": "keras"}, "trainable": false}]}
      """)
    let sequential = try #require(configuration.model as? Sequential)
    let trace = try trace(sequential, inputShape: [3], batchCount: 2, training: true)
    #expect(trace.layerNames.contains("head"))
    let resolved = try #require(configuration.resolved["model"]?["layers"]?.arrayValue?.first)
    #expect(resolved["constraint"]?["mode"] == "keras")
    #expect(resolved["weightInitializer"]?["slope"] == .number(0.1))
  }

  /// A key that is written wrongly is no key that is missing.
  @Test(arguments: [
    (
      #"{"dat": {"type": "blobs"}, "model": {"type": "mlp", "sizes": [2]}}"#,
      "unknown key 'dat'; did you mean 'data'?"
    ),
    (
      #"{"data": "blobs", "modle": {"type": "mlp", "sizes": [2]}}"#,
      "unknown key 'modle'; did you mean 'model'?"
    ),
    (#"{"data": {"typ": "blobs"}}"#, "unknown key 'typ' in 'data'; did you mean 'type'?"),
    (
      #"{"data": {"type": "csv", "fil": "t.csv", "target": "y"}}"#,
      "unknown key 'fil' in 'data'; did you mean 'file'?"
    ),
    (
      #"{"data": "blobs", "model": {"layrs": []}}"#,
      "unknown key 'layrs' in 'model'; did you mean 'layers'?"
    ),
    (
      #"{"data": "blobs", "model": {"type": "mlp", "sizes": [2]}, "constraints": [{"patern": "*", "type": "maxNorm"}]}"#,
      "unknown key 'patern' in 'constraints.0'; did you mean 'pattern'?"
    ),
  ])
  func misspeltKeysComeBeforeMissingOnes(text: String, message: String) {
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect(error?.reason == message)
  }

  /// What is found is what was written, and not what Float32 makes of it.
  @Test(arguments: ["1e300", "1e-50"])
  func numbersThatFloat32CannotHoldAreNamedAsTheyAreWritten(number: String) {
    let message = refusal([
      #"constraints=[{"pattern": "*", "type": "qkClip", "threshold": \#(number)}]"#
    ])
    #expect(
      message.contains("'constraints.0.threshold' must be a number that Float32 can hold")
        && message.contains("found \(number == "1e300" ? "1e+300" : "1e-50")")
        && !message.contains("inf") && !message.contains("0.0"), "\(message)")
  }

  @Test(arguments: [
    (["batchsize=3"], "unknown key 'batchsize'; did you mean 'batchSize'?"),
    (["optimizer.lerningRate=1"], "unknown key 'lerningRate' in 'optimizer'"),
    (["batchSize=0"], "'batchSize' must be an integer from 1"),
    (["batchSize=\"many\""], "found a string, \"many\""),
    (["shards=6"], "'shards' must be a power of two; found 6"),
    (["model.type=mpl"], "did you mean 'mlp'?"),
    (["model.sizes=[]"], "'model.sizes' must be an array of at least 1 integer from 1"),
    (["model.layers=[]"], "'model.type' names a preset"),
    (["model={\"layers\": []}"], "must hold at least one layer"),
    (["model={\"layers\": [{\"type\": \"Conv2d\"}]}"], "outChannels' is missing"),
    (
      ["model={\"layers\": [{\"type\": \"Linear\", \"outFeatures\": 1, \"units\": 2}]}"],
      "unknown key 'units'"
    ),
    (["data.type=mnist-5"], "did you mean 'mnist-5k'?"),
    (
      ["data.testFraction=1"], "'data.testFraction' must be a number greater than 0 and less than 1"
    ),
    (["data.fold=1"], "'data.folds' is missing"),
    (["data.folds=5", "data.fold=5"], "'data.fold' must be less than 'folds', 5; found 5"),
    (["data.folds=5", "data.fold=0", "data.testFraction=0.5"], "both cut a test part"),
    (
      ["data={\"type\": \"csv\", \"file\": \"a\", \"target\": \"b\", \"delimiter\": \";;\"}"],
      "'data.delimiter' must be one character"
    ),
    (
      ["data={\"type\": \"idx\", \"inputs\": \"a\", \"labels\": \"b\", \"testInputs\": \"c\"}"],
      "'data.testLabels' is missing"
    ),
    (["clip={\"type\": \"globalNorm\"}"], "'clip.limit' is missing"),
    (
      ["clip={\"type\": \"globalNorm\", \"limit\": -1}"],
      "'clip.limit' must be a number greater than 0"
    ),
    (["clip={\"type\": \"valueBox\", \"lower\": 2, \"upper\": 1}"], "lower"),
    (["constraints=[{\"type\": \"maxNorm\"}]"], "'constraints.0.pattern' is missing: a rule names"),
    (
      ["constraints=[{\"pattern\": \"*\", \"type\": \"minMaxNorm\", \"minimum\": 2}]"],
      "'constraints.0.minimum' must not be above maximum"
    ),
    (["optimizer.beta1=1"], "'optimizer.beta1' must be a number from 0 to 1 and less than 1"),
    (["optimizer.schedule={\"type\": \"step\"}"], "'optimizer.schedule.every' is missing"),
    (["loss.labelSmoothing=2"], "'loss.labelSmoothing' must be a number from 0 to 1"),
    (["epochs=0"], "'epochs' must be an integer from 1"),
    (["update=shared"], "'update' must be one of 'automatic', 'replicated', 'sharded'"),
    (["update=sharded", "reduction=allreduce"], "'update' is sharded, which needs"),
    (
      ["regularizers=[{\"kind\": \"a\", \"pattern\": \"b\"}]"],
      "'regularizers.0.kind' and 'pattern'"
    ),
    (["average={\"decay\": 1}"], "'average.decay' must be"),
    (["watchdog.seconds=0"], "'watchdog.seconds' must be a number greater than 0"),
    (["checkpoint.keep=0"], "'checkpoint.keep' must be an integer"),
    (["bucketBytes=0"], "'bucketBytes' must be 'automatic' or an integer of at least 1"),
    (["threads=0"], "'threads' must be an integer"),
  ])
  func mistakesAreNamed(_ overrides: [String], _ message: String) {
    let found = refusal(overrides)
    #expect(found.contains(message), "\(found)")
    #expect(found.hasPrefix("test.json: ") || found.hasPrefix("--set: "), "\(found)")
  }

  @Test func textThatIsNoJSONIsNamedWithItsPlace() {
    let error = #expect(throws: ConfigurationError.self) { try read("{\"data\": }") }
    #expect(error?.description.contains("test.json") == true)
  }
}
