using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Policy.Rules;

/// <summary>One thing a model has to fulfil. Adds what is wrong and goes on; must not trip over what another rule reports.</summary>
internal interface IModelRule
{
    void Check(MeshModel model, ProblemList problems);
}
