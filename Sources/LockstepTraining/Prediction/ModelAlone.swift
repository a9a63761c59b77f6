import LockstepDatasets
import LockstepEngine
import LockstepLayers

extension ModelSource {
  /// A model without examples and without a loss: for its weights, and for examples one by one.
  ///
  /// - Parameter inputs: what an example is.
  /// - Throws: `GraphError` where the model does not take such an example.
  package convenience init(
    _ model: any MultipleInputModel, inputs: [ExampleField]
  ) throws {
    let traced = inputs.map(\.traced)
    try self.init(dataset: FieldsAlone(inputFields: inputs), seed: 0) { count, training in
      let trace = try LockstepLayers.trace(
        model, inputs: traced, batchCount: count, training: training)
      // There is nothing to minimise; a source wants a scalar of the model.
      return Objective(loss: trace.output.sum(), metrics: [], outputs: trace.outputs)
    }
  }
}

extension ExampleField {
  /// The field as a model is traced for it.
  package var traced: TracedInput {
    TracedInput(name, shape, isInteger ? .int32 : .float32)
  }
}
